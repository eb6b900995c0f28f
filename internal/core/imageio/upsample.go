package imageio

// A plane holds one colour component, perhaps with fewer samples than the picture has pixels.
type plane struct {
	pix    []byte
	stride int
	w, h   int // samples
	hs, vs int // a sample covers hs×vs pixels
}

// rows gives rows of several planes in the picture's resolution.
type rows struct {
	planes []plane
	buf    [][]byte
}

func newRows(width int, planes ...plane) *rows {
	r := &rows{planes: planes, buf: make([][]byte, len(planes))}
	for i, p := range planes {
		r.buf[i] = make([]byte, max(width, p.w*p.hs))
	}
	return r
}

// at gives row y of each plane; they are valid until the next call.
func (r *rows) at(y int) [][]byte {
	for i := range r.planes {
		r.planes[i].upsample(r.buf[i], y)
	}
	return r.buf
}

func (p *plane) row(y int) []byte { return p.pix[y*p.stride:][:p.w] }

// upsample writes row y of the picture into dst, which has room for p.w·p.hs pixels.
//
// It is libjpeg's choice (jdsample.c: jinit_upsampler with do_fancy_upsampling): a triangle filter where a sample covers 2×1, 1×2 or 2×2 pixels, so that the
// output is centred between the samples, and repetition elsewhere (4:1:1, 4:1:0, and rows of at most two samples). Samples beyond the border repeat the
// last one. The two directions round differently (bias 1 and 2, or 8 and 7), which spreads the error.
func (p *plane) upsample(dst []byte, y int) {
	sy := min(y/p.vs, p.h-1)
	near := p.row(sy)
	switch {
	case p.hs == 1 && p.vs == 1:
		copy(dst, near)
	case p.hs == 2 && p.vs == 1 && p.w > 2:
		h2v1(dst, near)
	case p.hs == 1 && p.vs == 2:
		bias := 1 + y%2
		for x, far := range p.row(p.neighbour(y)) {
			dst[x] = byte((3*int(near[x]) + int(far) + bias) >> 2)
		}
	case p.hs == 2 && p.vs == 2 && p.w > 2:
		h2v2(dst, near, p.row(p.neighbour(y)))
	default:
		for x := range p.w * p.hs {
			dst[x] = near[x/p.hs]
		}
	}
}

// neighbour is the second nearest row of samples for row y of the picture, where a sample covers two rows.
func (p *plane) neighbour(y int) int {
	if y%2 == 0 {
		return max(y/2-1, 0)
	}
	return min(y/2+1, p.h-1)
}

// h2v1 doubles a row: each output is ¾ of the nearer sample and ¼ of the other one (jdsample.c: h2v1_fancy_upsample).
func h2v1(dst, src []byte) {
	n := len(src)
	dst = dst[:2*n]
	dst[0] = src[0]
	dst[1] = byte((3*int(src[0]) + int(src[1]) + 2) >> 2)
	for i := 1; i < n-1; i++ {
		v := 3 * int(src[i])
		dst[2*i] = byte((v + int(src[i-1]) + 1) >> 2)
		dst[2*i+1] = byte((v + int(src[i+1]) + 2) >> 2)
	}
	dst[2*n-2] = byte((3*int(src[n-1]) + int(src[n-2]) + 1) >> 2)
	dst[2*n-1] = src[n-1]
}

// h2v2 doubles a row after weighting it ¾ to ¼ with the second nearest one (jdsample.c: h2v2_fancy_upsample).
func h2v2(dst, near, far []byte) {
	n := len(near)
	dst, far = dst[:2*n], far[:n]
	last := 0
	this := 3*int(near[0]) + int(far[0])
	next := 3*int(near[1]) + int(far[1])
	dst[0] = byte((4*this + 8) >> 4)
	dst[1] = byte((3*this + next + 7) >> 4)
	for i := 1; i < n-1; i++ {
		last, this, next = this, next, 3*int(near[i+1])+int(far[i+1])
		dst[2*i] = byte((3*this + last + 8) >> 4)
		dst[2*i+1] = byte((3*this + next + 7) >> 4)
	}
	last, this = this, next
	dst[2*n-2] = byte((3*this + last + 8) >> 4)
	dst[2*n-1] = byte((4*this + 7) >> 4)
}
