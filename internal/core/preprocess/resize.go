package preprocess

import (
	"math"
	"slices"

	"github.com/spinemask/spinemask/config"
)

// A Resizer fills the input of a network with one photo after another. Ranges
// of rows can be filled at the same time, each with a Scratch of its own.
type Resizer struct {
	levels    [3][256]float32 // normalised value of each grey level, per channel
	late      bool            // these are grey levels, normalised when resized
	mean, std [3]float32      // for that
	resize    config.Resize
	reversed  bool // the network's channels are blue, green, red

	g      Geometry
	pixels []byte // of the photo: rows of R, G, B
	rows   []tap  // of each resized row
	cols   []tap

	windows struct{ rows, cols []window } // the same for ResizePillow
}

// A tap is a pair of source positions and the weight of the second.
type tap struct {
	low, high int
	weight    float32
}

// Scratch is the memory of one range of rows.
type Scratch struct {
	rows   [2][]float32 // resized horizontally, of the source rows in source
	fixed  [2][]int32   // the same for ResizeOpenCV
	lines  lines        // the same for ResizePillow
	sums   []int32      // of a destination row, for it
	source [2]int
}

// NewResizer makes a resizer for models with input c.
func NewResizer(c *config.Input) *Resizer {
	r := &Resizer{resize: c.Resize, late: c.Normalize == config.NormalizeResized, reversed: c.ChannelOrder == config.ChannelOrderBGR}
	for ch := range 3 {
		r.mean[ch], r.std[ch] = float32(255*float32(c.Mean[ch])), float32(255*float32(c.Std[ch]))
		mean, std := float32(c.Mean[ch]), float32(c.Std[ch])
		for p := range 256 {
			v := float32(p)
			switch c.Normalize {
			case config.NormalizeTF:
				v = (float32(v*float32(1./255)) - mean) / std
			case config.NormalizeTorch:
				v = (v/255 - mean) / std
			case config.NormalizeOpenCV:
				v = float32((v - mean) * float32(1/c.Std[ch]))
			case config.NormalizeGrey:
				v = (v - mean) / std
			}
			r.levels[ch][p] = v
		}
	}
	return r
}

// Start prepares for a photo: g.Height rows of g.Width pixels R, G, B. It keeps
// pixels until the last row is filled.
func (r *Resizer) Start(g Geometry, pixels []byte) {
	r.g, r.pixels = g, pixels
	if r.resize == config.ResizePillow {
		height, width := g.ScaledHeight, g.ScaledWidth
		if g.ResizedHeight > 0 {
			height, width = g.ResizedHeight, g.ResizedWidth
		}
		r.windows.rows = windows(r.windows.rows[:0], g.Height, height, g.OffsetY, g.ScaledHeight)
		r.windows.cols = windows(r.windows.cols[:0], g.Width, width, g.OffsetX, g.ScaledWidth)
		return
	}
	r.rows = r.taps(r.rows[:0], g.CropY, g.CropHeight, g.ScaledHeight)
	r.cols = r.taps(r.cols[:0], g.CropX, g.CropWidth, g.ScaledWidth)
}

// taps says where n destination positions lie among the source's, of which there
// are so many from an offset on. The numbers
// are float32, as in tensorflow/core/kernels/image/resize_bilinear_op.cc,
// compute_interpolation_weights; PyTorch's upsample_bilinear2d agrees.
func (r *Resizer) taps(t []tap, offset, source, n int) []tap {
	scale := float32(source) / float32(n)
	for i := range n {
		var at float32
		switch r.resize {
		case config.ResizeLegacy:
			at = float32(float32(i) * scale)
		case config.ResizeOpenCV: // imgproc/src/resize.cpp, resize
			at = float32(float64((float64(i)+0.5)*(float64(source)/float64(n))) - 0.5)
		default:
			at = float32((float32(i)+0.5)*scale) - 0.5
		}
		low := float32(math.Floor(float64(at)))
		t = append(t, tap{
			low:    offset + max(int(low), 0),
			high:   offset + max(0, min(int(low)+1, source-1)),
			weight: at - low,
		})
	}
	return t
}

// Rows writes rows [y0, y1) of the input: dst is its pixel (0, 0), rowStride the
// floats from row to row, channels interleaved.
func (r *Resizer) Rows(dst []float32, rowStride, y0, y1 int, s *Scratch) {
	s.source = [2]int{-1, -1}
	s.lines.forget()
	for y := y0; y < y1; y++ {
		out := dst[y*rowStride:][:3*r.g.InputWidth]
		if y >= r.g.ScaledHeight {
			clear(out)
			continue
		}
		n := 3 * r.g.ScaledWidth
		clear(out[n:])
		r.row(out[:n], y, s)
		if r.reversed {
			for i := 0; i < n; i += 3 {
				out[i], out[i+2] = out[i+2], out[i]
			}
		}
	}
}

// row writes row y of the resized photo, normalised: red, green, blue.
func (r *Resizer) row(out []float32, y int, s *Scratch) {
	switch r.resize {
	case config.ResizeOpenCV:
		r.rowOpenCV(out, y, s)
	case config.ResizePillow:
		r.rowPillow(out, y, s)
	default:
		r.rowFloat(out, y, s)
	}
}

// rowFloat is row for the rules that resize normalised values.
func (r *Resizer) rowFloat(out []float32, y int, s *Scratch) {
	n := len(out)
	t := r.rows[y]
	top := s.row(r, t.low, t.high)
	bottom := s.row(r, t.high, t.low)
	top, bottom = top[:n], bottom[:n]
	for i, v := range top {
		out[i] = v + float32((bottom[i]-v)*t.weight)
	}
	if r.late {
		for i := range top {
			out[i] = (out[i] - r.mean[i%3]) / r.std[i%3]
		}
	}
}

// slot says where source row y belongs, and whether it is there already; the row
// other is kept.
func (s *Scratch) slot(y, other int) (slot int, have bool) {
	for i, source := range s.source {
		if source == y {
			return i, true
		}
	}
	if s.source[0] == other {
		slot = 1
	}
	s.source[slot] = y
	return slot, false
}

// row returns a source row, normalised and resized horizontally, keeping the
// one of the row other.
func (s *Scratch) row(r *Resizer, y, other int) []float32 {
	slot, have := s.slot(y, other)
	if have {
		return s.rows[slot]
	}
	n := 3 * len(r.cols)
	s.rows[slot] = slices.Grow(s.rows[slot][:0], n)[:n]
	out := s.rows[slot]
	line := r.pixels[3*y*r.g.Width:][:3*r.g.Width]
	red, green, blue := &r.levels[0], &r.levels[1], &r.levels[2]
	for _, t := range r.cols {
		a, b, w := line[3*t.low:][:3], line[3*t.high:][:3], t.weight
		r0, g0, b0 := red[a[0]], green[a[1]], blue[a[2]]
		out[0] = r0 + float32((red[b[0]]-r0)*w)
		out[1] = g0 + float32((green[b[1]]-g0)*w)
		out[2] = b0 + float32((blue[b[2]]-b0)*w)
		out = out[3:]
	}
	return s.rows[slot]
}
