package rle

// Builder makes a mask from pixels that arrive in column-major order, so that nobody needs a bitmap of the whole image.
// Its memory is used again after Reset. The zero Builder makes masks of 0×0 pixels.
type Builder struct {
	h, w int
	runs []uint32
	set  bool   // whether the last run is foreground
	run  uint32 // length of the last run, not yet in runs
	left int    // pixels still to come
}

// Reset begins an h×w mask.
func (b *Builder) Reset(h, w int) {
	if CheckSize(h, w) != nil {
		panic("rle: size of the mask is negative or too large")
	}
	*b = Builder{h: h, w: w, runs: b.runs[:0], left: h * w}
}

// Run appends n pixels of one kind.
func (b *Builder) Run(set bool, n int) {
	if n < 0 || n > b.left {
		panic("rle: more pixels than the mask has")
	}
	if n == 0 {
		return
	}
	if set != b.set {
		b.runs = append(b.runs, b.run)
		b.run, b.set = 0, set
	}
	b.run += uint32(n)
	b.left -= n
}

// Column appends one pixel per byte, foreground where it is not 0: often the part of a column that a detection covers,
// after the rows above it came as a Run.
func (b *Builder) Column(bits []byte) {
	start := 0
	for y, v := range bits {
		if (v != 0) != b.set {
			b.Run(b.set, y-start)
			start = y
			b.Run(!b.set, 1)
			start++
		}
	}
	b.Run(b.set, len(bits)-start)
}

// Mask ends the mask, the rest of it background. The result does not share memory with b.
func (b *Builder) Mask() Mask {
	b.Run(false, b.left)
	return Mask{H: b.h, W: b.w, Runs: append(append(make([]uint32, 0, len(b.runs)+1), b.runs...), b.run)}
}
