package backbone

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// BuildResNetFPNTF appends a ResNet with a feature pyramid to g as the Garden has
// it (official/vision/modeling/backbones/resnet.py, decoders/fpn.py): widths of
// the ResNet scaled, levels above 5 by convolutions with stride 2, and a batch
// norm at the end of every level.
//
// The sides of the image must be multiples of 32.
func BuildResNetFPNTF(g *graph.Graph, image graph.Value, c *config.Config) (*Features, error) {
	depths, ok := resNets[c.Backbone.Depth]
	if !ok {
		return nil, fmt.Errorf("backbone: no ResNet of depth %d", c.Backbone.Depth)
	}
	b := &c.Backbone
	if b.MinLevel < 2 || b.MinLevel > 5 || b.MaxLevel < 5 {
		return nil, fmt.Errorf("backbone: %s with levels %d to %d, want them to begin at 2 to 5 and to end at 5 or above", b.Type, b.MinLevel, b.MaxLevel)
	}
	u := newUnits(g, c)
	f := &Features{Blocks: u.resNet(image, depths, scaledWidths(b.FilterScale))}
	f.Levels = u.pyramidTF(f.Blocks[b.MinLevel-2:], b)
	return f, g.Err()
}

// pyramidTF makes a level of each stage, from the top down, and the levels above
// them. The first of these is made of the level below before its norm, each
// further one of the activated level below, again before its norm.
func (u units) pyramidTF(stages []graph.Value, b *config.Backbone) map[int]graph.Value {
	conv := func(name string, level int, x graph.Value, size, stride int) graph.Value {
		return u.g.Conv(fmt.Sprintf("fpn/%s%d", name, level), x, graph.Conv{Size: size, Stride: stride, Padding: graph.Same, Out: b.Endpoints, Bias: true})
	}
	levels := map[int]graph.Value{}
	top := b.MinLevel + len(stages) - 1
	var above graph.Value
	for l := top; l >= b.MinLevel; l-- {
		x := conv("lateral", l, stages[l-b.MinLevel], 1, 1)
		if l < top {
			x = u.g.Add(fmt.Sprintf("fpn/merge%d", l), x, u.g.Upsample(fmt.Sprintf("fpn/upsample%d", l), above, 2))
		}
		above = x
		levels[l] = conv("output", l, x, 3, 1)
	}
	for l := top + 1; l <= b.MaxLevel; l++ {
		x := levels[l-1]
		if l > top+1 {
			x = u.activate(fmt.Sprintf("fpn/output%d", l-1), x)
		}
		levels[l] = conv("output", l, x, 3, 2)
	}
	for l := b.MinLevel; l <= b.MaxLevel; l++ {
		levels[l] = u.g.Norm(fmt.Sprintf("fpn/output%d/norm", l), levels[l], u.epsilon)
	}
	return levels
}
