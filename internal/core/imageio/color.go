package imageio

// yccToRGB converts a row of full-range Y'CbCr (BT.601, as in JFIF) with libjpeg's integers: 16 bits of fraction, one rounding per channel
// (jdcolor.c: build_ycc_rgb_table, ycc_rgb_convert).
func yccToRGB(dst, y, cb, cr []byte) {
	const half = 1 << 15
	n := len(dst) / 3
	y, cb, cr = y[:n], cb[:n], cr[:n]
	for i := range n {
		l, b, r := int(y[i]), int(cb[i])-128, int(cr[i])-128
		d := dst[3*i:][:3]
		d[0] = clamp(l + (91881*r+half)>>16)          // 1.40200
		d[1] = clamp(l + (-22554*b-46802*r+half)>>16) // 0.34414, 0.71414
		d[2] = clamp(l + (116130*b+half)>>16)         // 1.77200
	}
}

// cmykToRGB converts one pixel as Pillow does (Convert.c: cmyk2rgb): what the black ink leaves, times what the coloured ink leaves. 0 is no ink.
func cmykToRGB(dst []byte, c, m, y, k byte) {
	white := 255 - int(k)
	for i, ink := range [3]byte{c, m, y} {
		dst[i] = byte(white - div255(int(ink)*white))
	}
}

// div255 is a/255 rounded to nearest, for 0 ≤ a ≤ 255².
func div255(a int) int {
	a += 128
	return (a>>8 + a) >> 8
}

func clamp(v int) byte {
	if uint(v) > 255 {
		if v < 0 {
			return 0
		}
		return 255
	}
	return byte(v)
}
