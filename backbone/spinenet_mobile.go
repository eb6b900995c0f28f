package backbone

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// mobileWidths are the widths of levels 0 to 7 before scaling; 0 and 1 are the
// stem's (spinenet_mobile.py, FILTER_SIZE_MAP).
var mobileWidths = [...]int{8, 16, 24, 40, 80, 112, 112, 112}

// BuildSpineNetMobile appends a mobile SpineNet with any block table to g
// (arXiv 1912.05027, section 4.5; Garden
// official/vision/modeling/backbones/spinenet_mobile.py).
//
// The sides of the image must be multiples of 2 to the power of the highest level.
func BuildSpineNetMobile(g *graph.Graph, image graph.Value, c *config.Config) (*Features, error) {
	table, err := tableOf(&c.Backbone)
	if err != nil {
		return nil, err
	}
	b := &mobileBuilder{builder{g: g, c: c, units: newUnits(g, c), side: nominalSide}}
	x := b.convAct("backbone/stem/conv", image, 3, 2, b.strided, b.wide(0))
	at := 1
	for i, level := range table.Stem {
		x = b.inverted(fmt.Sprintf("backbone/stem/group%d/unit0", i), x, b.wide(level), 1<<(level-at))
		at = level
		b.stemFeature(feature{value: x, level: level})
	}
	for i, blk := range table.Blocks {
		name := fmt.Sprintf("backbone/block%02d", i)
		x := b.activate(name, b.merge(name, blk, b.wide(blk.Level), b.resample))
		x = b.inverted(name+"/unit0", x, b.wide(blk.Level), 1)
		b.features = append(b.features, feature{value: x, level: blk.Level})
	}
	return b.endpoints(table)
}

type mobileBuilder struct{ builder }

// wide is the width of a level at the config's filter scale.
func (b *mobileBuilder) wide(level int) int {
	return max(1, int(float64(mobileWidths[level])*b.c.Backbone.FilterScale))
}

// resample brings a parent to a level and a number of channels: depthwise
// convolutions with stride 2 while it is too large, copies of pixels where it is
// too small, then a pointwise convolution.
func (b *mobileBuilder) resample(name string, p feature, level, channels int) graph.Value {
	x := p.value
	for l := p.level; l < level; l++ {
		x = b.depthwise(fmt.Sprintf("%s/depthwise%d", name, l-p.level), x, 2)
	}
	if level < p.level {
		x = b.g.Upsample(name+"/upsample", x, 1<<(p.level-level))
	}
	return b.conv(name+"/conv", x, 1, 1, graph.Same, channels)
}

// depthwise is a 3×3 convolution of each channel, its norm and the activation.
func (b *mobileBuilder) depthwise(name string, x graph.Value, stride int) graph.Value {
	pad := graph.Same
	if stride > 1 {
		pad = b.strided
	}
	x = b.g.Depthwise(name, x, graph.Depthwise{Size: 3, Stride: stride, Padding: pad})
	return b.activate(name, b.g.Norm(name+"/norm", x, b.epsilon))
}

// inverted is an inverted bottleneck (arXiv 1801.04381) with squeeze and
// excitation (arXiv 1709.01507), whose own activations do not follow the
// network's: official/vision/modeling/layers/nn_blocks.py,
// InvertedBottleneckBlock, and nn_layers.py, SqueezeExcitation. It ends without an
// activation.
func (b *mobileBuilder) inverted(name string, x graph.Value, out, stride int) graph.Value {
	in := b.g.Channels(x)
	wide := in * b.c.Backbone.Expansion
	y := x
	if wide > in {
		y = b.convAct(name+"/conv0", x, 1, 1, graph.Same, wide)
	}
	y = b.depthwise(name+"/conv1", y, stride)
	one := graph.Conv{Size: 1, Stride: 1, Padding: graph.Same, Out: max(1, int(float64(in)*b.c.Backbone.SqueezeRatio)), Bias: true}
	gate := b.g.Conv(name+"/squeeze", b.g.Mean(name+"/mean", y), one)
	one.Out = wide
	gate = b.g.Conv(name+"/excite", b.g.Activate(name+"/squeeze/relu", gate, graph.Relu), one)
	y = b.g.Gate(name+"/gate", y, b.g.Activate(name+"/excite/hard_sigmoid", gate, graph.HardSigmoid))
	y = b.conv(name+"/conv2", y, 1, 1, graph.Same, out)
	if stride == 1 && in == out {
		y = b.g.Add(name+"/add", y, x)
	}
	return y
}
