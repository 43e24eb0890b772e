"""Videos and streams: which are meant, their frames, and the video that is drawn of them."""
