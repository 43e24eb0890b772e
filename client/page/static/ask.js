// A response of the page's server. Throws with its sentence where that is a fault.
export async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Error("The page's server does not answer: is `python -m client page` still running?");
  }
  if (response.ok) return response;
  const inWords = response.headers.get("Content-Type")?.includes("json");
  const sentence = inWords ? (await response.json()).error : `HTTP status ${response.status}`;
  // Of these another try of the same file has nothing to hope for.
  throw Object.assign(new Error(sentence), { unusable: [413, 422].includes(response.status) });
}
