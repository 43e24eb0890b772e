"""The demo's models served with the live page, until Ctrl-C. Run as `python -m demo.page`."""

from __future__ import annotations

import shutil

from artifact.system_errors import in_words
from demo.__main__ import MODELS, PICTURES, REPOSITORY, build, run
from server.errors import ServerError
from server.launch import TritonServer


def main() -> None:
    shutil.rmtree(REPOSITORY, ignore_errors=True)
    for model in MODELS:
        build(model)
    with TritonServer(REPOSITORY, model_config_name="onnxruntime") as server:
        run(
            "Serve the page",
            *("client", "page", "--url", server.grpc_url, "--model", MODELS[0]),
            *("--examples", PICTURES),
        )


if __name__ == "__main__":
    try:
        main()
    except ServerError as error:
        raise SystemExit(f"error: {error}") from None
    except OSError as error:
        raise SystemExit(f"error: {in_words(error)}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
