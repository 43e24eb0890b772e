// A page that was opened as a file may start no Worker, and the search is one. There its script runs in a
// hidden frame, and gets and gives its messages as a Worker would.
if (location.protocol === "file:") {
  window.Worker = class {
    constructor(url) {
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc =
        "<script>self.postMessage = (data) => frameElement.worker.onmessage({ data })</script>" +
        `<script src="${url}"></script>`;
      frame.worker = this;
      this.started = new Promise((start) => {
        frame.onload = () => start(frame.contentWindow);
      });
      document.body.append(frame);
    }

    async postMessage(data) {
      (await this.started).onmessage({ data });
    }
  };
}
