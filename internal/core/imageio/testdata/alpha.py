"""Pictures whose alpha is 0 everywhere, and their colours as Pillow 13.0.0 gives them.  python alpha.py PHOTO"""
import os, struct, sys, zlib
import numpy as np
from PIL import Image

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), "alpha")
rgb = Image.open(sys.argv[1]).convert("RGB").resize((23, 17), Image.LANCZOS)
rgba = rgb.copy(); rgba.putalpha(0)

def golden(name, im=None):
    (im or Image.open(f"{out}/{name}")).convert("RGB").save(f"{out}/{name}.golden.png", optimize=True)

rgba.save(f"{out}/alpha0.png"); golden("alpha0.png")
rgb.quantize(60).save(f"{out}/alpha0_palette.png", transparency=bytes(60)); golden("alpha0_palette.png")
rgba.save(f"{out}/alpha0_lossy.webp", quality=80, exact=True); golden("alpha0_lossy.webp")
rgba.save(f"{out}/alpha0_lossless.webp", lossless=True, exact=True); golden("alpha0_lossless.webp")

bgra = np.asarray(rgba)[::-1, :, [2, 1, 0, 3]].tobytes()
header = struct.pack("<IiiHHIIiiII4I", 108, 23, 17, 1, 32, 3, 0, 2835, 2835, 0, 0, 0xff0000, 0xff00, 0xff, 0xff000000).ljust(108, b"\0")
open(f"{out}/alpha0_v4.bmp", "wb").write(b"BM" + struct.pack("<IHHI", 122 + len(bgra), 0, 0, 122) + header + bgra)
golden("alpha0_v4.bmp")

# 16 bits, which Pillow does not write: the high bytes are the photo.
deep = np.dstack([np.asarray(rgb).astype(">u2") * 256 + 17, np.zeros((17, 23), ">u2")]).astype(">u2")
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
open(f"{out}/alpha0_16bit.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 23, 17, 16, 6, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in deep))) + chunk(b"IEND", b""))
golden("alpha0_16bit.png", rgb)
