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

// width is the width of a block of a level before scaling; a bottleneck makes
// four times as many channels.
func width(level int) int { return 32 << min(level-1, 3) }

const stemFilters = 64 // of the first convolution, whatever the filter scale

// Features are the outputs of a backbone.
type Features struct {
	Levels map[int]graph.Value // P of each output's level, with Endpoints channels
	Stem   []graph.Value       // SpineNet: the stem's features, which are the first
	Blocks []graph.Value       // SpineNet: the scale-permuted blocks in table order; ResNet: the stages of levels 2 to 5
}

// Build appends the backbone of a config to g. image is the network's input.
func Build(g *graph.Graph, image graph.Value, c *config.Config) (*Features, error) {
	switch c.Backbone.Type {
	case config.BackboneSpineNet:
		return BuildSpineNet(g, image, c)
	case config.BackboneSpineNetMobile:
		return BuildSpineNetMobile(g, image, c)
	case config.BackboneResNetFPN:
		return BuildResNetFPN(g, image, c)
	case config.BackboneResNetFPNTF:
		return BuildResNetFPNTF(g, image, c)
	case config.BackboneResNet:
		return BuildResNet(g, image, c)
	}
	return nil, fmt.Errorf("backbone: no type %q", c.Backbone.Type)
}

// BuildSpineNet appends a SpineNet with any block table to g.
func BuildSpineNet(g *graph.Graph, image graph.Value, c *config.Config) (*Features, error) {
	table, err := tableOf(&c.Backbone)
	if err != nil {
		return nil, err
	}
	b := &builder{g: g, c: c, units: newUnits(g, c), side: nominalSide}
	if c.Input.Crops() { // nothing is padded to a size that divides
		b.side = c.Input.Width
	}
	b.stem(image, table.Stem)
	for i, blk := range table.Blocks {
		b.permuted(i, blk)
	}
	return b.endpoints(table)
}

// tableOf is the architecture that a config names or holds. Parents of a block
// must stand before it.
func tableOf(b *config.Backbone) (*config.BlockTable, error) {
	table := b.Table()
	if table == nil {
		return nil, fmt.Errorf("backbone: no block table %q", b.BlockTable)
	}
	for i, blk := range table.Blocks {
		for _, in := range blk.In {
			if in < 0 || in >= i+len(table.Stem) {
				return nil, fmt.Errorf("backbone: block %d: parent %d is not an earlier feature", i, in)
			}
		}
		if blk.Level < 1 {
			return nil, fmt.Errorf("backbone: block %d: level %d", i, blk.Level)
		}
	}
	return table, nil
}

// endpoints brings the output blocks to the same number of channels.
func (b *builder) endpoints(table *config.BlockTable) (*Features, error) {
	c := b.c
	f := &Features{Levels: map[int]graph.Value{}}
	for _, x := range b.features[:len(table.Stem)] {
		f.Stem = append(f.Stem, x.value)
	}
	for i, blk := range table.Blocks {
		x := b.features[i+len(table.Stem)].value
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
	return f, b.g.Err()
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
	side     int // of the input
	features []feature
}

// nominalSide stands for every side that divides by the strides of all levels:
// the ratios of the levels' sides are the same.
const nominalSide = 1 << 12

// sideOf is the side of the maps of a level.
func (b *builder) sideOf(level int) int { return (b.side + 1<<level - 1) >> level }

// scaled is a block's width at the config's filter scale.
func (b *builder) scaled(level int) int {
	return int(float64(width(level)) * b.c.Backbone.FilterScale)
}

// stem makes the first features: a 7×7 convolution and a pool, each of stride 2,
// then a group of bottlenecks for each. The first of them needs a projection to its
// number of channels, unless that is the convolution's; so does the first of a
// level, which has a stride.
func (b *builder) stem(image graph.Value, levels []int) {
	x := b.convAct("backbone/stem/conv", image, 7, 2, b.strided, stemFilters)
	x = b.g.MaxPool("backbone/stem/pool", x, graph.MaxPool{Size: 3, Stride: 2, Padding: b.pool})
	at := 2
	for i, level := range levels {
		f := b.scaled(level)
		stride := 1 << (level - at)
		project := stride > 1 || b.g.Channels(x) != 4*f
		for r := range b.c.Backbone.BlockRepeats {
			x = b.bottleneck(fmt.Sprintf("backbone/stem/group%d/unit%d", i, r), x, f, 4*f, stride, project)
			stride, project = 1, false
		}
		at = level
		b.stemFeature(feature{value: x, level: level, width: f})
	}
}

// stemFeature adds a feature that is made of the one before.
func (b *builder) stemFeature(f feature) {
	if n := len(b.features); n > 0 {
		b.features[n-1].uses++
	}
	b.features = append(b.features, f)
}

// permuted makes the feature of block i: the two parents at the block's level and width
// are added and go through the block's group (section 3.1 and figure 3).
func (b *builder) permuted(i int, blk config.Block) {
	name := fmt.Sprintf("backbone/block%02d", i)
	f := b.scaled(blk.Level)
	channels := f
	if blk.Kind == config.BlockBottleneck {
		channels = 4 * f
	}
	x := b.activate(name, b.merge(name, blk, channels, b.resample))
	x = b.group(name, x, blk.Kind, f)
	b.features = append(b.features, feature{value: x, level: blk.Level, width: f})
}

// merge adds the parents of a block, each brought to the block's level and number
// of channels.
func (b *builder) merge(name string, blk config.Block, channels int, resample func(name string, p feature, level, channels int) graph.Value) graph.Value {
	var sum []graph.Value
	for j, in := range blk.In {
		sum = append(sum, resample(fmt.Sprintf("%s/resample%d", name, j), b.features[in], blk.Level, channels))
		b.features[in].uses++
	}
	if blk.Output {
		// Blocks that nobody has used so far feed an endpoint of their size:
		// spinenet.py "Connect intermediate blocks with outdegree 0 to output block".
		for j := range b.features {
			p := &b.features[j]
			if p.uses == 0 && b.sideOf(p.level) == b.sideOf(blk.Level) && b.g.Channels(p.value) == channels {
				sum = append(sum, p.value)
				p.uses++
			}
		}
	}
	return b.g.Add(name+"/merge", sum...)
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
	if from, to := b.sideOf(p.level), b.sideOf(level); from > to {
		x = b.convAct(name+"/conv1", x, 3, 2, b.strided, squeezed)
		x = b.shrink(name, x, from, to)
		last = "/conv2"
	} else if from < to {
		x = b.grow(name, x, from, to)
	}
	return b.conv(name+last, x, 1, 1, graph.Same, channels)
}

// shrink takes a map, of a parent that had sides of from pixels and that a
// convolution has halved, down to sides of to pixels. Where the one does not
// divide the other, the rules are those of tensorflow/tpu (spinenet.py,
// resample_with_alpha).
func (b *builder) shrink(name string, x graph.Value, from, to int) graph.Value {
	ratio := from / to
	if b.c.Backbone.PoolRule == config.PoolRuleChain {
		for i := range bits.Len(uint(ratio)) - 2 {
			x = b.g.MaxPool(fmt.Sprintf("%s/pool%d", name, i), x, graph.MaxPool{Size: 3, Stride: 2, Padding: b.pool})
		}
		return x
	}
	side := (from + 1) / 2
	if ratio > 2 {
		pool := graph.MaxPool{Size: 3, Stride: ratio / 2, Padding: b.pool}
		if ratio > 4 {
			pool.Size = 5
		}
		if from%to != 0 {
			pool.Stride = 2
		}
		x = b.g.MaxPool(name+"/pool", x, pool)
		side, _, _ = b.pool.Window(side, pool.Size, pool.Stride)
	}
	if side != to {
		x = b.g.Nearest(name+"/nearest", x, graph.Nearest{Height: to, Width: to})
	}
	return x
}

// grow takes a map with sides of from pixels up to sides of to pixels.
func (b *builder) grow(name string, x graph.Value, from, to int) graph.Value {
	if to%from != 0 {
		return b.g.Nearest(name+"/nearest", x, graph.Nearest{Height: to, Width: to})
	}
	return b.g.Upsample(name+"/upsample", x, to/from)
}

// group is Repeats blocks of one kind in a row.
func (b *builder) group(name string, x graph.Value, kind config.BlockKind, f int) graph.Value {
	for r := range b.c.Backbone.BlockRepeats {
		x = b.unit(fmt.Sprintf("%s/unit%d", name, r), x, kind, f)
	}
	return x
}

// unit is one residual unit: act(main + shortcut).
func (b *builder) unit(name string, x graph.Value, kind config.BlockKind, f int) graph.Value {
	if kind == config.BlockBottleneck {
		return b.bottleneck(name, x, f, 4*f, 1, false)
	}
	y := b.convAct(name+"/conv0", x, 3, 1, graph.Same, f)
	y = b.conv(name+"/conv1", y, 3, 1, graph.Same, f)
	return b.activate(name, b.g.Add(name+"/add", y, x))
}
