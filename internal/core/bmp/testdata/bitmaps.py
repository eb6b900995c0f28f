"""Small bitmaps of every kind, and their pixels as Pillow 13.0.0 gives them.  python bitmaps.py PHOTO

X.bmp is the bitmap, X.golden.png what Pillow makes of it: convert("RGB"), or RGBA where there is alpha. Of the few kinds that Pillow does not read (names that
begin with "own"), the golden is the array that was written."""
import glob, os, random, struct, sys
import numpy as np
from PIL import Image

random.seed(3)
here = os.path.dirname(os.path.abspath(__file__))
for old in glob.glob(f"{here}/*.bmp") + glob.glob(f"{here}/*.png"):
    os.remove(old)
photo = Image.open(sys.argv[1]).convert("RGB").resize((19, 11), Image.LANCZOS)
rgb = np.asarray(photo).astype(np.uint32)
h, w = rgb.shape[:2]

def rows(values, bits, top_down=False):
    """Packed rows, filled up to 4 bytes."""
    out = b""
    for row in values if top_down else values[::-1]:
        if bits <= 8:
            text = "".join(f"{int(v):0{bits}b}" for v in row)
            packed = bytes(int(text[i:i + 8].ljust(8, "0"), 2) for i in range(0, len(text), 8))
        else:
            packed = b"".join(int(v).to_bytes(bits // 8, "little") for v in row)
        out += packed + b"\0" * (-len(packed) % 4)
    return out

def info(size, bits, compression=0, colors=0, height=h, masks=()):
    head = struct.pack("<IiiHHIIiiII", size, w, height, 1, bits, compression, 0, 2835, 2835, colors, 0)
    return (head + struct.pack(f"<{len(masks)}I", *masks)).ljust(size, b"\0")

def core(bits):
    return struct.pack("<IHHHH", 12, w, h, 1, bits)

def write(name, header, palette, pixels, offset=None, golden=None):
    start = 14 + len(header) + len(palette)
    data = b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start if offset is None else offset) + header + palette + pixels
    path = f"{here}/{name}"
    open(path + ".bmp", "wb").write(data)
    if golden is None:
        im = Image.open(path + ".bmp")
        im = im.convert("RGBA" if im.mode == "RGBA" else "RGB")
    else:
        im = Image.fromarray(golden.astype(np.uint8))
    im.save(path + ".golden.png", optimize=True)

def palette(n, entry=4):
    """A quantized photo: indexes and the bytes of its palette."""
    q = photo.quantize(n, dither=0)
    index = np.asarray(q)
    colors = np.array(q.getpalette("RGB"), np.uint8).reshape(-1, 3)[:n]
    colors = np.pad(colors, ((0, n - len(colors)), (0, 0)))
    return index, b"".join(bytes(c[::-1]) + b"\0" * (entry - 3) for c in colors), colors

for bits in (1, 4, 8):
    n = 1 << bits
    index, colors, _ = palette(n)
    write(f"pal{bits}", info(40, bits), colors, rows(index, bits))
    index, colors, _ = palette(n, 3)
    write(f"os2_v1_pal{bits}", core(bits), colors, rows(index, bits))
index, colors, table = palette(4)
write("own_pal2", info(40, 2), colors, rows(index, 2), golden=table[index])
index, colors, _ = palette(16)
write("os2_v2_pal4", info(64, 4), colors, rows(index, 4))
write("pal4_colors_said", info(40, 4, colors=16), colors, rows(index, 4))
write("pal4_offset_of_header", info(40, 4, colors=16), colors, rows(index, 4), offset=54)
write("pal4_top_down", info(40, 4, height=-h), colors, rows(index, 4, True))
index, colors, _ = palette(100)
write("pal8_short", info(40, 8, colors=100), colors, rows(index, 8))
write("pal8_too_short", info(40, 8, colors=60), colors[:240], rows(index, 8))
write("pal8_v5", info(124, 8, colors=100), colors, rows(index, 8))
write("grey8", info(40, 8), b"".join(bytes([v, v, v, 0]) for v in range(256)), rows(np.asarray(photo.convert("L")), 8))

r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
bgr = b | g << 8 | r << 16
write("rgb24", info(40, 24), b"", rows(bgr, 24))
write("rgb24_top_down", info(40, 24, height=-h), b"", rows(bgr, 24, True))
write("os2_v1_rgb24", core(24), b"", rows(bgr, 24))
write("os2_v2_rgb24", info(64, 24), b"", rows(bgr, 24))
write("rgb24_palette", info(40, 24, colors=3), b"\1\2\3\0" * 3, rows(bgr, 24))
x1r5g5b5 = (r >> 3) << 10 | (g >> 3) << 5 | b >> 3 | 0x8000
r5g6b5 = (r >> 3) << 11 | (g >> 2) << 5 | b >> 3
write("rgb555", info(40, 16), b"", rows(x1r5g5b5, 16))
write("rgb555_fields", info(40, 16, 3), struct.pack("<3I", 0x7c00, 0x3e0, 0x1f), rows(x1r5g5b5, 16))
write("rgb565", info(40, 16, 3), struct.pack("<3I", 0xf800, 0x7e0, 0x1f), rows(r5g6b5, 16))
for size, name in ((52, "v2"), (56, "v3"), (108, "v4"), (124, "v5")):
    masks = (0xf800, 0x7e0, 0x1f, 0)[:3 if size == 52 else 4]
    write(f"rgb565_{name}", info(size, 16, 3, masks=masks), b"", rows(r5g6b5, 16))
write("rgb32", info(40, 32), b"", rows(bgr | 0x55000000, 32))
write("rgb32_v4", info(108, 32), b"", rows(bgr | 0x55000000, 32))
write("rgb32_fields", info(40, 32, 3), struct.pack("<3I", 0xff0000, 0xff00, 0xff), rows(bgr, 32))
write("xbgr32_fields", info(40, 32, 3), struct.pack("<3I", 0xff000000, 0xff0000, 0xff00), rows((r << 24 | g << 16 | b << 8), 32))
alpha = (np.arange(h * w, dtype=np.uint32).reshape(h, w) * 7 + 40) % 256
write("rgba32_v4", info(108, 32, 3, masks=(0xff0000, 0xff00, 0xff, 0xff000000)), b"", rows(bgr | alpha << 24, 32))
write("rgba32_v5", info(124, 32, 3, masks=(0xff, 0xff00, 0xff0000, 0xff000000)), b"", rows(r | g << 8 | b << 16 | alpha << 24, 32))
write("rgba32_v3_no_masks", info(56, 32, 3, masks=(0, 0, 0, 0)), b"", rows(bgr | alpha << 24, 32))
write("rgba32_v4_alpha0", info(108, 32, 3, masks=(0xff0000, 0xff00, 0xff, 0xff000000)), b"", rows(bgr, 32))
full = np.dstack([(r >> 4) * 255 // 15, (g >> 4) * 255 // 15, (b >> 4) * 255 // 15, (alpha >> 4) * 255 // 15])
write("own_argb4444", info(56, 16, 3, masks=(0xf00, 0xf0, 0xf, 0xf000)), b"", rows((alpha >> 4) << 12 | (r >> 4) << 8 | (g >> 4) << 4 | b >> 4, 16), golden=full)
write("own_rgb10", info(52, 32, 3, masks=(0x3ff00000, 0xffc00, 0x3ff)), b"", rows((r * 1023 // 255) << 20 | (g * 1023 // 255) << 10 | b * 1023 // 255, 32),
      golden=np.dstack([(c * 1023 // 255) * 255 // 1023 for c in (r, g, b)]))
write("own_alpha_fields", info(40, 32, 6), struct.pack("<4I", 0xff0000, 0xff00, 0xff, 0xff000000), rows(bgr | alpha << 24, 32), golden=np.dstack([r, g, b, alpha]))

def runs(index, four, moves):
    """RLE with runs, lists of colours and, where moves has holes, moves over them."""
    out = b""
    for y in range(h - 1, -1, -1):
        x = 0
        while x < w:
            if moves[y, x] and x + 1 < w:
                n = 1
                while x + n < w - 1 and moves[y, x + n]:
                    n += 1
                out += bytes([0, 2, n, 0])
                x += n
                continue
            n = min(random.randint(1, 9), w - x)
            while n > 1 and moves[y, x:x + n].any():
                n -= 1
            part = [int(v) for v in index[y, x:x + n]]
            two = part[:2]
            if four and part == [two[i % 2] for i in range(n)]:
                out += bytes([n, two[0] << 4 | two[-1]])
            elif not four and len(set(part)) == 1:
                out += bytes([n, part[0]])
            elif n >= 3:
                data = bytes(part) if not four else bytes((part + [0])[i] << 4 | (part + [0])[i + 1] for i in range(0, n, 2))
                out += bytes([0, n]) + data + b"\0" * (len(data) % 2)
            else:
                for v in part:
                    out += bytes([1, v << 4 if four else v])
            x += n
        out += b"\0\0"
    return out[:-2]

none = np.zeros((h, w), bool)
some = np.random.default_rng(1).random((h, w)) < 0.3
for four, n in ((False, 200), (True, 16)):
    index, colors, table = palette(n)
    index = index.copy()
    index[3:5, 2:15] = 5 % n  # something to run along
    name, bits, c = ("rle4", 4, 2) if four else ("rle8", 8, 1)
    write(name, info(40, bits, c, colors=n), colors, runs(index, four, none) + b"\0\1")
    write(name + "_moves", info(40, bits, c, colors=n), colors, runs(index, four, some) + b"\0\1")
    # ends after the lower rows; Pillow refuses
    lower = np.zeros_like(index)
    lower[h - 2, 4:10] = 3
    early = bytes([0, 2, 4, 1, 6, 0x33 if four else 3, 0, 0, 0, 1])
    write("own_" + name + "_early_end", info(40, bits, c, colors=n), colors, early, golden=table[lower])
