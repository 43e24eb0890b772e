// A picture from the camera.

const dialog = document.getElementById("camera-dialog");
const video = dialog.querySelector("video");

// The file that was taken, or null. Throws with a sentence where there is no camera.
export async function openCamera() {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers give the camera to https pages and to those of this machine alone.");
  }
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280 } });
  } catch (error) {
    throw new Error(`The camera cannot be used: ${error.message}.`);
  }
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  try {
    return dialog.returnValue === "take" ? await frame() : null;
  } finally {
    video.srcObject.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  }
}

async function frame() {
  const canvas = Object.assign(document.createElement("canvas"),
    { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}

for (const id of ["take", "cancel"]) {
  document.getElementById(id).addEventListener("click", () => dialog.close(id));
}
