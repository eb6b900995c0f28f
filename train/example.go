package train

import (
	"cmp"
	"math/rand/v2"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/rpn"
	"github.com/spinemask/spinemask/train/augment"
	"github.com/spinemask/spinemask/train/target"
)

// truth is what is in an image as the network sees it.
type truth struct {
	boxes   []box.Box // input pixels
	classes []int     // rows of the network's classes
	masks   []float32 // side×side values of each, over its box
}

// see turns, scales and cuts a picture as the recipe says, and fills its pixels
// into the network's input. diameter is the objects', for a window.
func see(p *augment.Picture, objects []augment.Object, diameter float64, a *Augment, in *config.Input, height, width int, regions RegionSampling, seed uint64, step, image int, row func(y int) []float32) truth {
	if a.Window != nil {
		p, objects = a.Window.cut(p, objects, diameter, in, draws(seed, forWindow, step, image))
	}
	r := draws(seed, forView, step, image)
	if a.Turns && r.Float64() < 0.5 {
		p, objects = augment.Transpose(p, objects) // with the mirror images that follow, all turns
	}
	if flip := r.Float64() < a.Flip; flip {
		p, objects = augment.Flip(p, objects)
	}
	if a.Turns && r.Float64() < 0.5 {
		p, objects = augment.FlipVertical(p, objects)
	}
	v := augment.Jitter(p.Height, p.Width, height, width, a.Scale[0], a.Scale[1], augment.Draws{Scale: r.Float64(), OffsetY: r.Float64(), OffsetX: r.Float64()})
	if a.Color != nil {
		p = recolor(p, a.Color, draws(seed, forColor, step, image))
	}
	v.Fill(p, normalisation(in), row)
	if in.ChannelOrder == config.ChannelOrderBGR {
		for y := range height {
			pixels := row(y)[:3*width]
			for i := 0; i < len(pixels); i += 3 {
				pixels[i], pixels[i+2] = pixels[i+2], pixels[i]
			}
		}
	}
	var t truth
	for _, o := range objects {
		b := v.Box(o.Box)
		if augment.Empty(b) || a.Most > 0 && len(t.boxes) == a.Most {
			continue
		}
		t.boxes = append(t.boxes, b)
		t.classes = append(t.classes, o.Class)
		if crop := regions.MaskCrop; crop > 0 {
			mask, fill := make([]float32, crop*crop), v.CropMask
			if regions.Cells {
				fill = v.CellMask
			}
			fill(mask, crop, &o.Mask, b, p.Height, p.Width)
			t.masks = append(t.masks, mask...)
		}
	}
	return t
}

// normalisation is a model's, of grey levels from 0 to 1; the numbers of mmdetection and
// Detectron2 are for those from 0 to 255.
func normalisation(in *config.Input) augment.Normalize {
	n := augment.Normalize{Mean: in.Mean, Std: in.Std}
	if in.Normalize == config.NormalizeOpenCV || in.Normalize == config.NormalizeGrey {
		for c := range n.Mean {
			n.Mean[c] /= 255
			n.Std[c] /= 255
		}
	}
	return n
}

// encoding is that which the model's outputs are read by.
func encoding(c *config.Config, weights [4]float32) target.Encoding {
	if c.Boxes.Coding == config.BoxCodingPlusOne {
		return target.PlusOne(weights)
	}
	return target.Garden(weights)
}

// regionWeights are the model's; those of the Garden are target.RegionWeights.
func regionWeights(c *config.Config) (w [4]float32) {
	for i := range w {
		w[i] = float32(c.BoxHead.Weights[i])
	}
	return w
}

// anchors are all anchors of an input, level by level.
type anchors struct {
	levels [][]box.Box
	all    []box.Box // those of all levels
	encode target.Encoding
}

func newAnchors(c *config.Config, height, width int) *anchors {
	a := &anchors{encode: encoding(c, target.AnchorWeights)}
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		h, w := (height+1<<l-1)>>l, (width+1<<l-1)>>l
		at := rpn.NewAnchors(&c.Anchors, l, h, w, box.Size{Height: float32(height), Width: float32(width)})
		var list []box.Box
		for y := range h {
			for x := range w {
				for k := range at.PerPlace() {
					list = append(list, at.At(y, x, k))
				}
			}
		}
		a.levels = append(a.levels, list)
		a.all = append(a.all, list...)
	}
	return a
}

// label says what the region proposal network should give for an image.
func (a *anchors) label(out *anchorTargets, t *truth, s AnchorSampling, r *rand.Rand, w *scratch) {
	w.matches, w.order = sized(w.matches, len(a.all)), permutation(w.order, len(a.all), r)
	target.Assign(w.matches, len(t.boxes), func(i, j int) float32 { return target.IoU(a.all[i], t.boxes[j]) }, target.RPNThresholds, true)
	out.anchors = sized(out.anchors, len(a.all))
	target.SampleAnchors(out.anchors, w.matches, w.order, s.Samples, s.Fraction)
	out.ways = sized(out.ways, 4*len(a.all))
	clear(out.ways)
	for i, m := range w.matches {
		if m.Kind == target.Positive {
			d := a.encode(t.boxes[m.Truth], a.all[i])
			copy(out.ways[4*i:], d[:])
		}
	}
	out.labels, out.deltas = out.labels[:0], out.deltas[:0]
	first := 0
	for _, list := range a.levels {
		out.labels = append(out.labels, out.anchors[first:first+len(list)])
		out.deltas = append(out.deltas, out.ways[4*first:4*(first+len(list))])
		first += len(list)
	}
}

// scratch is the memory in which one worker finds the targets of an image.
type scratch struct {
	matches []target.Match
	order   []int
}

// sized is a slice of n elements, in the memory of s if that is large enough.
func sized[E any](s []E, n int) []E {
	if cap(s) < n {
		return make([]E, n)
	}
	return s[:n]
}

// permutation is r.Perm in memory that is there.
func permutation(p []int, n int, r *rand.Rand) []int {
	p = sized(p, n)
	for i := range p {
		p[i] = i
	}
	r.Shuffle(n, func(i, j int) { p[i], p[j] = p[j], p[i] })
	return p
}

// sample chooses the regions of an image among its proposals and objects.
func sample(proposals []box.Box, t *truth, s RegionSampling, encode target.Encoding, maskSize int, r *rand.Rand, w *scratch) (regionTargets, error) {
	list := append([]box.Box(nil), proposals...)
	for len(list) < s.PostNMS {
		list = append(list, box.Box{}) // as the original pads: background
	}
	list = append(list, t.boxes...)
	o := target.RegionOptions{Samples: s.Samples, Fraction: s.Fraction, Thresholds: target.RegionsFrom(float32(cmp.Or(s.IoU, 0.5))), Encode: encode}
	w.order = permutation(w.order, len(list), r)
	regions, _, err := target.SampleRegions(list, t.boxes, t.classes, w.order, o)
	if err != nil {
		return regionTargets{}, err
	}
	out := regionTargets{regions: regions, masked: target.SampleMasks(regions, s.Masks)}
	out.masks = make([]float32, s.Masks*maskSize*maskSize)
	cut := target.CropMask
	if s.Cells {
		cut = target.CropCells
	}
	for i, m := range out.masked {
		if m.Class > 0 {
			cut(out.masks[i*maskSize*maskSize:][:maskSize*maskSize], maskSize, t.masks[m.Truth*s.MaskCrop*s.MaskCrop:][:s.MaskCrop*s.MaskCrop], s.MaskCrop, m.Matched, m.Box)
		}
	}
	return out, nil
}
