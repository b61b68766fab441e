import { damagedFrame, type FrameCodec } from "./codec.ts";

/** No compression: a plain tar, whose ranges are read as they are. */
export const noneCodec: FrameCodec = {
  name: "none",
  extension: ".tar",
  levels: { min: 0, max: 0, default: 0 },
  compress: (raw) => new Uint8Array(raw),
  decompress(frame, maxRaw) {
    if (frame.length > maxRaw) {
      throw damagedFrame(`A piece of the archive holds ${frame.length} bytes where at most ${maxRaw} can be`);
    }
    return new Uint8Array(frame);
  },
  meter: () => null,
};
