/** Header by which the main thread lets a media stream that it has checked into the listener of a worker. */
export const passHeader = 'x-trunkbridge-pass';
