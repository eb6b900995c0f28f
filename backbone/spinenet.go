// Package backbone builds feature extractors as graphs: SpineNet (arXiv
// 1912.05027), a network whose blocks do not shrink monotonically but in a
// learned order of levels, each block merging two earlier ones; and what it is
// compared with, ResNet with a feature pyramid (arXiv 1512.03385, 1612.03144).
//
// A level l is 2^l times smaller than the input. The network's shape is data: a
// table of blocks and a handful of numbers (config.Backbone).
package backbone

import (
	"fmt"
	"math/bits"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// Kind is the type of a block.
type Kind int

const (
	Bottleneck Kind = iota // 1×1, 3×3, 1×1; makes four times its width
	Residual               // 3×3, 3×3; makes its width
)

// A Block is one scale-permuted block.
type Block struct {
	Level  int
	Kind   Kind
	In     [2]int // features: 0 and 1 are the stem's, i+2 is made by block i
	Output bool   // an endpoint is made of it
}

// SpineNet49 is the architecture of the paper's figure 2 (found by search; all
// sizes of SpineNet have it): tensorflow/tpu
// models/official/detection/modeling/architecture/spinenet.py,
// SPINENET_BLOCK_SPECS, without the later level-2 endpoint that no detector
// uses.
var SpineNet49 = []Block{
	{2, Bottleneck, [2]int{0, 1}, false},
	{4, Residual, [2]int{0, 1}, false},
	{3, Bottleneck, [2]int{2, 3}, false},
	{4, Bottleneck, [2]int{2, 4}, false},
	{6, Residual, [2]int{3, 5}, false},
	{4, Bottleneck, [2]int{3, 5}, false},
	{5, Residual, [2]int{6, 7}, false},
	{7, Residual, [2]int{6, 8}, false},
	{5, Bottleneck, [2]int{8, 9}, false},
	{5, Bottleneck, [2]int{8, 10}, false},
	{4, Bottleneck, [2]int{5, 10}, true},
	{3, Bottleneck, [2]int{4, 10}, true},
	{5, Bottleneck, [2]int{7, 12}, true},
	{7, Bottleneck, [2]int{5, 14}, true},
	{6, Bottleneck, [2]int{12, 14}, true},
}

// tables are the block tables that a config can name.
var tables = map[string][]Block{"spinenet49": SpineNet49}

// width is the width of a block of a level before scaling; a bottleneck makes
// four times as many channels.
func width(level int) int { return 32 << min(level-1, 3) }

const stemFilters = 64 // of the first convolution, whatever the filter scale

// Features are the outputs of a backbone.
type Features struct {
	Levels map[int]graph.Value // P of each output's level, with Endpoints channels
	Stem   [2]graph.Value      // SpineNet: features 0 and 1, level 2
	Blocks []graph.Value       // SpineNet: the scale-permuted blocks in table order; ResNet: the stages of levels 2 to 5
}

// Build appends the backbone of a config to g. image is the network's input.
func Build(g *graph.Graph, image graph.Value, c *config.Config) (*Features, error) {
	switch c.Backbone.Type {
	case config.BackboneSpineNet:
		table, ok := tables[c.Backbone.BlockTable]
		if !ok {
			return nil, fmt.Errorf("backbone: no block table %q", c.Backbone.BlockTable)
		}
		return BuildSpineNet(g, image, table, c)
	case config.BackboneResNetFPN:
		return BuildResNetFPN(g, image, c)
	}
	return nil, fmt.Errorf("backbone: no type %q", c.Backbone.Type)
}

// BuildSpineNet appends a SpineNet with any block table to g.
func BuildSpineNet(g *graph.Graph, image graph.Value, table []Block, c *config.Config) (*Features, error) {
	b := &builder{g: g, c: c, units: units{g, graph.Activation(c.Activation), c.NormEpsilon}}
	for i, blk := range table {
		for _, in := range blk.In {
			if in < 0 || in >= i+2 {
				return nil, fmt.Errorf("backbone: block %d: parent %d is not an earlier feature", i, in)
			}
		}
		if blk.Level < 1 {
			return nil, fmt.Errorf("backbone: block %d: level %d", i, blk.Level)
		}
	}
	b.stem(image)
	for i, blk := range table {
		b.permuted(i, blk)
	}
	f := &Features{Levels: map[int]graph.Value{}, Stem: [2]graph.Value{b.features[0].value, b.features[1].value}}
	for i, blk := range table {
		x := b.features[i+2].value
		f.Blocks = append(f.Blocks, x)
		if blk.Output && blk.Level >= c.Backbone.MinLevel && blk.Level <= c.Backbone.MaxLevel {
			f.Levels[blk.Level] = x
		}
	}
	for level := c.Backbone.MinLevel; level <= c.Backbone.MaxLevel; level++ {
		x, ok := f.Levels[level]
		if !ok {
			return nil, fmt.Errorf("backbone: the block table has no output of level %d", level)
		}
		name := fmt.Sprintf("backbone/endpoint%d", level)
		x = b.conv(name, x, 1, 1, graph.Same, c.Backbone.Endpoints)
		if c.Backbone.EndpointActivation {
			x = b.activate(name, x)
		}
		f.Levels[level] = x
	}
	return f, g.Err()
}

// feature is a value that later blocks can merge.
type feature struct {
	value graph.Value
	level int
	width int // of its block: a bottleneck has 4·width channels
	uses  int // as a parent
}

type builder struct {
	units
	g        *graph.Graph
	c        *config.Config
	features []feature
}

// scaled is a block's width at the config's filter scale.
func (b *builder) scaled(level int) int {
	return int(float64(width(level)) * b.c.Backbone.FilterScale)
}

// stem makes features 0 and 1: a 7×7 convolution and a pool, each of stride 2,
// then two groups of bottlenecks. The first of them needs a projection to its
// number of channels, unless that is the convolution's.
func (b *builder) stem(image graph.Value) {
	pad := graph.Fixed
	if b.c.Backbone.StridedPadding == config.StridedPaddingSame {
		pad = graph.Same
	}
	x := b.convAct("backbone/stem/conv", image, 7, 2, pad, stemFilters)
	x = b.g.MaxPool("backbone/stem/pool", x, graph.MaxPool{Size: 3, Stride: 2, Padding: b.poolPadding()})
	f := b.scaled(2)
	for i := range 2 {
		name := fmt.Sprintf("backbone/stem/group%d", i)
		x = b.group(name, x, Bottleneck, f, b.g.Channels(x) != 4*f)
		b.features = append(b.features, feature{value: x, level: 2, width: f})
	}
}

// permuted makes feature i+2: the two parents at the block's level and width
// are added and go through the block's group (section 3.1 and figure 3).
func (b *builder) permuted(i int, blk Block) {
	name := fmt.Sprintf("backbone/block%02d", i)
	f := b.scaled(blk.Level)
	channels := f
	if blk.Kind == Bottleneck {
		channels = 4 * f
	}
	var sum []graph.Value
	for j, in := range blk.In {
		sum = append(sum, b.resample(fmt.Sprintf("%s/resample%d", name, j), b.features[in], blk.Level, channels))
		b.features[in].uses++
	}
	if blk.Output {
		// Blocks that nobody has used so far feed an endpoint of their size:
		// spinenet.py "Connect intermediate blocks with outdegree 0 to output block".
		for j := range b.features {
			p := &b.features[j]
			if p.uses == 0 && p.level == blk.Level && b.g.Channels(p.value) == channels {
				sum = append(sum, p.value)
				p.uses++
			}
		}
	}
	x := b.activate(name, b.g.Add(name+"/merge", sum...))
	x = b.group(name, x, blk.Kind, f, false)
	b.features = append(b.features, feature{value: x, level: blk.Level, width: f})
}

// resample brings a parent to a level and a number of channels (figure 3:
// squeeze by alpha, change the size, expand).
func (b *builder) resample(name string, p feature, level, channels int) graph.Value {
	alpha := b.c.Backbone.ResampleAlpha
	squeezed := int(float64(p.width) * alpha)
	if squeezed < 1 {
		squeezed = 1
	}
	x := b.convAct(name+"/conv0", p.value, 1, 1, graph.Same, squeezed)
	last := "/conv1"
	if p.level < level {
		pad := graph.Fixed
		if b.c.Backbone.StridedPadding == config.StridedPaddingSame {
			pad = graph.Same
		}
		x = b.convAct(name+"/conv1", x, 3, 2, pad, squeezed)
		x = b.shrink(name, x, 1<<(level-p.level-1))
		last = "/conv2"
	} else if p.level > level {
		x = b.g.Upsample(name+"/upsample", x, 1<<(p.level-level))
	}
	return b.conv(name+last, x, 1, 1, graph.Same, channels)
}

// shrink makes a map smaller by a power of two through max pools.
func (b *builder) shrink(name string, x graph.Value, ratio int) graph.Value {
	pad := b.poolPadding()
	if b.c.Backbone.PoolRule == config.PoolRuleChain {
		for i := range bits.Len(uint(ratio)) - 1 {
			x = b.g.MaxPool(fmt.Sprintf("%s/pool%d", name, i), x, graph.MaxPool{Size: 3, Stride: 2, Padding: pad})
		}
		return x
	}
	if ratio == 1 {
		return x
	}
	size := 3
	if ratio > 2 {
		size = 5
	}
	return b.g.MaxPool(name+"/pool", x, graph.MaxPool{Size: size, Stride: ratio, Padding: pad})
}

func (b *builder) poolPadding() graph.Padding {
	if b.c.Backbone.PoolPadding == config.PoolPaddingSame {
		return graph.Same
	}
	return graph.Fixed
}

// group is Repeats blocks of one kind in a row.
func (b *builder) group(name string, x graph.Value, kind Kind, f int, project bool) graph.Value {
	for r := range b.c.Backbone.BlockRepeats {
		x = b.unit(fmt.Sprintf("%s/unit%d", name, r), x, kind, f, project && r == 0)
	}
	return x
}

// unit is one residual unit: act(main + shortcut).
func (b *builder) unit(name string, x graph.Value, kind Kind, f int, project bool) graph.Value {
	if kind == Bottleneck {
		return b.bottleneck(name, x, f, 1, project)
	}
	y := b.convAct(name+"/conv0", x, 3, 1, graph.Same, f)
	y = b.conv(name+"/conv1", y, 3, 1, graph.Same, f)
	return b.activate(name, b.g.Add(name+"/add", y, x))
}
