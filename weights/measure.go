package weights

import (
	"fmt"
	"math"

	"github.com/spinemask/spinemask/config"
)

// measure sets the sizes in c that the shapes of a file with native names tell; the rest of c stays. Problems are what is
// missing or contradicts itself; [Check] then compares every shape with the network of that config.
func measure(f *File, c *config.Config) []string {
	m := &measurer{f: f}
	switch c.Backbone.Type {
	case config.BackboneResNetFPN:
		m.resNet(&c.Backbone)
		if f.backboneOnly() {
			return m.problems
		}
		m.pyramid(&c.Backbone)
	case config.BackboneSpineNetMobile:
		m.mobile(&c.Backbone)
	case config.BackboneResNetFPNTF:
		m.resNet(&c.Backbone)
		m.pyramidTF(&c.Backbone)
	case config.BackboneResNet:
		m.resNet(&c.Backbone)
	default:
		m.spineNet(&c.Backbone)
	}
	switch c.Model {
	case config.ModelRetinaNet:
		m.retinaHead(c)
	case config.ModelClassification:
		m.classifier(c)
	default:
		m.rpn(c)
		m.boxHead(c)
		m.maskHead(c)
	}
	return m.problems
}

// kindOf tells the kind of network by the head that a file with native names has.
func kindOf(f *File) config.Model {
	if _, ok := f.Tensor("retina/class/predict/kernel"); ok {
		return config.ModelRetinaNet
	}
	if _, ok := f.Tensor("classifier/kernel"); ok {
		return config.ModelClassification
	}
	if f.system == Torchvision && resNetAlone(f) {
		return config.ModelClassification
	}
	return config.ModelMaskRCNN
}

// has reports whether the file has a tensor of the name.
func (f *File) has(name string) bool {
	_, ok := f.Tensor(name)
	return ok
}

type measurer struct {
	f        *File
	problems []string
}

func (m *measurer) problem(format string, args ...any) {
	m.problems = append(m.problems, fmt.Sprintf(format, args...))
}

func (m *measurer) has(format string, args ...any) bool {
	return m.f.has(fmt.Sprintf(format, args...))
}

// count counts the tensors with the numbers 0, 1, … in their name.
func (m *measurer) count(format string) int {
	n := 0
	for m.has(format, n) {
		n++
	}
	return n
}

// shape returns the shape of a tensor that must be there. Where it is not, or has another rank, that is a problem and
// the result ones.
func (m *measurer) shape(name string, rank int) []int {
	t, ok := m.f.Tensor(name)
	switch {
	case !ok:
		m.problem("%s: missing", name)
	case len(t.Shape) != rank || t.Len() == 0:
		m.problem("%s: shape %v, want %d dimensions", name, t.Shape, rank)
	default:
		return t.Shape
	}
	return []int{1, 1, 1, 1}[:rank]
}

// conv returns the input and output channels of a convolution.
func (m *measurer) conv(format string, args ...any) (in, out int) {
	s := m.shape(fmt.Sprintf(format, args...)+"/kernel", 4)
	return s[2], s[3]
}

// feature is what a scale-permuted block, or a group of the stem, puts out.
type feature struct{ width, channels int }

func (m *measurer) spineNet(b *config.Backbone) {
	b.BlockRepeats = m.count("backbone/stem/group0/unit%d/conv0/kernel")
	_, stem := m.conv("backbone/stem/group0/unit0/conv0")
	features := []feature{{stem, 4 * stem}, {stem, 4 * stem}}
	var resampled []truncation
	for i := range m.count("backbone/block%02d/unit0/conv0/kernel") {
		for j := range 2 {
			in, out := m.conv("backbone/block%02d/resample%d/conv0", i, j)
			if w, ok := widthOf(features, in); ok {
				resampled = append(resampled, truncation{w, out})
			}
		}
		_, f := m.conv("backbone/block%02d/unit0/conv0", i)
		last := 1
		if m.has("backbone/block%02d/unit0/conv2/kernel", i) {
			last = 2
		}
		_, out := m.conv("backbone/block%02d/unit0/conv%d", i, last)
		features = append(features, feature{f, out})
	}
	// Unscaled, level 2 has width 64, level 3 128, all above 256 (network in arXiv 1912.05027, §3.2).
	widest := stem
	for _, f := range features {
		widest = max(widest, f.width)
	}
	widths := []truncation{{64, stem}, {256, widest}}
	for _, f := range features {
		if stem < f.width && f.width < widest {
			widths = append(widths, truncation{128, f.width})
		}
	}
	var ok bool
	if b.FilterScale, ok = factor(widths); !ok {
		m.problem("backbone: block widths %d to %d are not those of any filter scale", stem, widest)
	}
	if b.ResampleAlpha, ok = factor(resampled); !ok {
		m.problem("backbone: the widths inside the resamplings are not those of any alpha")
	}
	m.endpoints(b)
}

// endpoints measures the output maps of a SpineNet.
func (m *measurer) endpoints(b *config.Backbone) {
	b.MinLevel, b.MaxLevel, b.Endpoints = 0, 0, 1
	for l := 1; l <= 12; l++ {
		if m.has("backbone/endpoint%d/kernel", l) {
			if b.MinLevel == 0 {
				b.MinLevel = l
			}
			b.MaxLevel = l
		}
	}
	if b.MinLevel == 0 {
		m.problem("backbone/endpoint*/kernel: missing")
		return
	}
	_, b.Endpoints = m.conv("backbone/endpoint%d", b.MinLevel)
}

// resNet measures a ResNet. The network of depth d has (d − 2)/3 bottlenecks.
func (m *measurer) resNet(b *config.Backbone) {
	units := 0
	for stage := 2; stage <= 5; stage++ {
		units += m.count(fmt.Sprintf("backbone/stage%d/unit%%d/conv2/kernel", stage))
	}
	b.Depth = 3*units + 2
	if units == 0 {
		m.problem("backbone: no block has three convolutions, want a ResNet of 50, 101 or 152 layers")
	}
	_, stem := m.conv("backbone/stem/conv")
	if b.Type == config.BackboneResNetFPN {
		_, bottleneck := m.conv("backbone/stage2/unit0/conv0")
		_, stage := m.conv("backbone/stage2/unit0/conv2")
		b.Stem, b.Bottleneck, b.Stage = unless(64, stem), unless(64, bottleneck), unless(256, stage)
		return
	}
	widths := []truncation{{64, stem}}
	for i := range 4 {
		_, out := m.conv("backbone/stage%d/unit0/conv0", 2+i)
		widths = append(widths, truncation{64 << i, out})
	}
	var ok bool
	if b.FilterScale, ok = factor(widths); !ok {
		m.problem("backbone: widths from %d to %d are not those of any filter scale", stem, widths[4].width)
	}
}

// unless is n, or zero where that is usual.
func unless(usual, n int) int {
	if n == usual {
		return 0
	}
	return n
}

// pyramid measures the feature pyramid over a ResNet.
func (m *measurer) pyramid(b *config.Backbone) {
	b.PyramidNorm = m.has("fpn/output2/norm/gamma")
	_, b.Endpoints = m.conv("fpn/output2")
	b.MinLevel = 2
	for b.MaxLevel = 2; m.has("fpn/output%d/kernel", b.MaxLevel); {
		b.MaxLevel++ // the level above the last output is made of it by taking every second pixel
	}
}

// pyramidTF measures the Garden's feature pyramid over a ResNet.
func (m *measurer) pyramidTF(b *config.Backbone) {
	b.MinLevel, b.MaxLevel = 0, 0
	for l := 2; l <= 12; l++ {
		if m.has("fpn/output%d/kernel", l) {
			if b.MinLevel == 0 {
				b.MinLevel = l
			}
			b.MaxLevel = l
		}
	}
	_, b.Endpoints = m.conv("fpn/output%d", max(b.MinLevel, 2))
}

// widthOf is the width of the features with so many channels, if they agree.
func widthOf(features []feature, channels int) (int, bool) {
	width := 0
	for _, f := range features {
		if f.channels == channels {
			if width != 0 && width != f.width {
				return 0, false
			}
			width = f.width
		}
	}
	return width, width != 0
}

func (m *measurer) rpn(c *config.Config) {
	r := &c.RPN
	r.Convs = m.count("rpn/conv%d/kernel")
	_, r.Filters = m.conv("rpn/conv0")
	r.Separable = m.has("rpn/conv0/depthwise/kernel")
	r.Norm = m.has("rpn/conv0/norm%d/gamma", c.Backbone.MinLevel)
	_, anchors := m.conv("rpn/objectness")
	m.anchors(c, "rpn/objectness/kernel", anchors)
}

// anchors sets the number of scales, which a kernel with outputs for so many anchors per place tells.
func (m *measurer) anchors(c *config.Config, kernel string, anchors int) {
	ratios := len(c.Anchors.AspectRatios)
	if m.has("%s", kernel) && anchors%ratios != 0 {
		m.problem("%s: %d anchors per place, want a multiple of %d (aspect ratios)", kernel, anchors, ratios)
	}
	c.Anchors.ScalesPerOctave = max(1, anchors/ratios)
}

func (m *measurer) retinaHead(c *config.Config) {
	h := &c.RetinaHead
	h.Convs = m.count("retina/class/conv%d/kernel")
	h.Filters = 0
	if h.Convs > 0 {
		_, h.Filters = m.conv("retina/class/conv0")
	}
	h.Norm = m.has("retina/class/conv0/norm%d/gamma", c.Backbone.MinLevel)
	h.Separable = m.has("retina/class/predict/depthwise/kernel")
	_, deltas := m.conv("retina/box/predict")
	_, classes := m.conv("retina/class/predict")
	anchors := max(1, deltas/4)
	m.anchors(c, "retina/box/predict/kernel", anchors)
	if deltas%4 != 0 || classes%anchors != 0 {
		m.problem("retina: %d outputs for boxes and %d for classes, want 4 and a number of classes for each anchor", deltas, classes)
		return
	}
	m.categories(c, "retina/class/predict/kernel", classes/anchors)
}

func (m *measurer) classifier(c *config.Config) {
	if m.f.system == Torchvision && !m.has("classifier/kernel") {
		return // a backbone, which gives itself to a detector; Check says what it lacks as a classifier
	}
	if classes := m.shape("classifier/kernel", 2)[1]; classes != c.Classes() {
		c.Categories = config.NumberedCategories(classes)
	}
}

func (m *measurer) boxHead(c *config.Config) {
	h := &c.BoxHead
	h.Convs = m.count("box/conv%d/kernel")
	h.Separable = m.has("box/conv0/depthwise/kernel")
	h.ConvNorm = m.has("box/conv0/norm/gamma")
	h.FCNorm = m.has("box/fc0/norm/gamma")
	h.NormBias = h.ConvNorm && m.has("box/conv0/bias") || h.FCNorm && m.has("box/fc0/bias")
	in := c.Backbone.Endpoints
	if h.Convs > 0 {
		_, in = m.conv("box/conv%d", h.Convs-1)
		h.Filters = in
	}
	h.FC = nil
	first := "box/class/kernel"
	for i := range m.count("box/fc%d/kernel") {
		name := fmt.Sprintf("box/fc%d/kernel", i)
		if i == 0 {
			first = name
		}
		h.FC = append(h.FC, m.shape(name, 2)[1])
	}
	rows := m.shape(first, 2)[0]
	side := int(math.Round(math.Sqrt(float64(rows) / float64(in))))
	if m.has("%s", first) && side*side*in != rows {
		m.problem("%s: %d rows are not a square of %d channels", first, rows, in)
	}
	c.RoIAlign.BoxSize = side
	classes := m.shape("box/class/kernel", 2)[1]
	deltas := m.shape("box/deltas/kernel", 2)[1]
	h.ClassSpecific = deltas != 4
	if m.has("box/class/kernel") {
		m.categories(c, "box/class/kernel", classes)
	}
}

// categories keeps the categories of c if their number is right, else makes nameless numbers of them.
func (m *measurer) categories(c *config.Config, kernel string, classes int) {
	if classes < 2 {
		m.problem("%s: %d classes, want a background and at least one", kernel, classes)
		return
	}
	if classes == c.Classes() {
		return
	}
	c.Categories = make([]config.Category, classes-1)
	for i := range c.Categories {
		c.Categories[i] = config.Category{ID: i + 1, Name: fmt.Sprintf("class %d", i+1)}
	}
}

func (m *measurer) maskHead(c *config.Config) {
	h := &c.MaskHead
	h.Convs = m.count("mask/conv%d/kernel")
	h.Separable = m.has("mask/logits/depthwise/kernel")
	h.ConvNorm = m.has("mask/conv0/norm/gamma")
	h.DeconvNorm = m.has("mask/deconv/norm/gamma")
	h.NormBias = h.ConvNorm && m.has("mask/conv0/bias") || h.DeconvNorm && m.has("mask/deconv/bias")
	h.Filters = m.shape("mask/deconv/kernel", 4)[2] // [kh, kw, out, in]
	_, masks := m.conv("mask/logits")
	h.ClassSpecific = masks != 1
}
