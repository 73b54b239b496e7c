// SPDX-License-Identifier: Apache-2.0
// What a page can show of a file, by its name.

/** Pictures that browsers draw and that hold no script. */
export function isPicture(path: string): boolean {
  return /\.(png|jpe?g|gif|webp|avif|bmp)$/i.test(path);
}

export function isMarkdown(path: string): boolean {
  return /\.(md|markdown)$/i.test(path);
}

export function isJson(path: string): boolean {
  return /\.(json|jsonl|ipynb|index\.json)$/i.test(path);
}

const BINARY = /\.(safetensors|gguf|ggml|bin|pt|pth|ckpt|onnx|pb|h5|tflite|msgpack|npz|npy|pkl|pickle|zip|tar|gz|tgz|zst|xz|bz2|7z|parquet|arrow|mp3|mp4|wav|flac|ogg|webm|pdf|woff2?|ttf|so|exe|wasm|model|spm)$/i;

/** Surely nothing to read. */
export function isBinary(path: string): boolean {
  return BINARY.test(path);
}

/** The text of bytes; undefined: they are none. A character that was cut off at the end does not count. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  const text = new TextDecoder("utf-8").decode(bytes, { stream: true });
  const wrong = text.split("\uFFFD").length - 1;
  return wrong * 20 > text.length ? undefined : text;
}
