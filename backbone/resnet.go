package backbone

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/graph"
)

// resNets are the numbers of bottlenecks in the stages of levels 2 to 5, by the
// network's depth (arXiv 1512.03385, table 1).
var resNets = map[int][4]int{
	50:  {3, 4, 6, 3},
	101: {3, 4, 23, 3},
	152: {3, 8, 36, 3},
}

// BuildResNetFPN appends a ResNet with a feature pyramid (arXiv 1612.03144) to
// g, as torchvision, Detectron2 and mmdetection have it (torchvision:
// models/resnet.py, and ops/feature_pyramid_network.py with
// LastLevelMaxPool).
//
// Each level of the pyramid is half as large as the one below, so the sides of
// the image must be multiples of 32.
func BuildResNetFPN(g *graph.Graph, image graph.Value, c *config.Config) (*Features, error) {
	depths, ok := resNets[c.Backbone.Depth]
	if !ok {
		return nil, fmt.Errorf("backbone: no ResNet of depth %d", c.Backbone.Depth)
	}
	if c.Backbone.MinLevel != 2 || c.Backbone.MaxLevel != 6 {
		return nil, fmt.Errorf("backbone: %s with levels %d to %d, want 2 to 6", c.Backbone.Type, c.Backbone.MinLevel, c.Backbone.MaxLevel)
	}
	u := newUnits(g, c)
	f := &Features{Blocks: u.resNet(image, depths, widthsOf(&c.Backbone))}
	f.Levels = u.pyramid(f.Blocks, 2, &c.Backbone)
	return f, g.Err()
}

// BuildResNet appends a ResNet alone to g, as the Garden has it for
// classification (official/vision/modeling/backbones/resnet.py): its levels are
// the stages, and all widths are scaled, the stem's too.
func BuildResNet(g *graph.Graph, image graph.Value, c *config.Config) (*Features, error) {
	depths, ok := resNets[c.Backbone.Depth]
	if !ok {
		return nil, fmt.Errorf("backbone: no ResNet of depth %d", c.Backbone.Depth)
	}
	if c.Backbone.MinLevel < 2 || c.Backbone.MaxLevel > 5 {
		return nil, fmt.Errorf("backbone: %s with levels %d to %d, want 2 to 5", c.Backbone.Type, c.Backbone.MinLevel, c.Backbone.MaxLevel)
	}
	f := &Features{Levels: map[int]graph.Value{}, Blocks: newUnits(g, c).resNet(image, depths, scaledWidths(c.Backbone.FilterScale))}
	for l := c.Backbone.MinLevel; l <= c.Backbone.MaxLevel; l++ {
		f.Levels[l] = f.Blocks[l-2]
	}
	return f, g.Err()
}

// widths are the numbers of channels of a ResNet: of its stem, and for each stage inside the bottlenecks and of the output.
type widths struct {
	stem              int
	bottleneck, stage [4]int
}

// scaledWidths are those of the paper times scale, rounded down.
func scaledWidths(scale float64) widths {
	width := func(n int) int { return max(1, int(float64(n)*scale)) }
	w := widths{stem: width(stemFilters)}
	for i := range w.stage {
		w.bottleneck[i] = width(stemFilters << i)
		w.stage[i] = 4 * w.bottleneck[i]
	}
	return w
}

// widthsOf are those that a config names, or the paper's.
func widthsOf(b *config.Backbone) widths {
	w := scaledWidths(1)
	if b.Stem > 0 {
		w.stem = b.Stem
	}
	for i := range w.stage {
		if b.Bottleneck > 0 {
			w.bottleneck[i] = b.Bottleneck << i
		}
		if b.Stage > 0 {
			w.stage[i] = b.Stage << i
		}
	}
	return w
}

// resNet makes the stages of levels 2 to 5. The first unit of every stage has a
// projection, and the stride.
func (u units) resNet(image graph.Value, depths [4]int, w widths) []graph.Value {
	x := u.convAct("backbone/stem/conv", image, 7, 2, u.strided, w.stem)
	x = u.g.MaxPool("backbone/stem/pool", x, graph.MaxPool{Size: 3, Stride: 2, Padding: u.pool})
	var stages []graph.Value
	for i, n := range depths {
		for r := range n {
			stride := 1
			if i > 0 && r == 0 {
				stride = 2
			}
			x = u.bottleneck(fmt.Sprintf("backbone/stage%d/unit%d", 2+i, r), x, w.bottleneck[i], w.stage[i], stride, r == 0)
		}
		stages = append(stages, x)
	}
	return stages
}

// pyramid makes a level of each stage, from the top down: the stage, brought to
// the pyramid's channels, plus the level above at twice its size. One more level
// is every second pixel of the top.
func (u units) pyramid(stages []graph.Value, first int, b *config.Backbone) map[int]graph.Value {
	conv := func(name string, x graph.Value, size int) graph.Value {
		op := graph.Conv{Size: size, Stride: 1, Padding: graph.Same, Out: b.Endpoints, Bias: !b.PyramidNorm}
		if x = u.g.Conv(name, x, op); b.PyramidNorm {
			x = u.g.Norm(name+"/norm", x, u.epsilon)
		}
		return x
	}
	levels := map[int]graph.Value{}
	top := first + len(stages) - 1
	var above graph.Value
	for l := top; l >= first; l-- {
		x := conv(fmt.Sprintf("fpn/lateral%d", l), stages[l-first], 1)
		if l < top {
			x = u.g.Add(fmt.Sprintf("fpn/merge%d", l), x, u.g.Upsample(fmt.Sprintf("fpn/upsample%d", l), above, 2))
		}
		above = x
		levels[l] = conv(fmt.Sprintf("fpn/output%d", l), x, 3)
	}
	levels[top+1] = u.g.MaxPool("fpn/pool", levels[top], graph.MaxPool{Size: 1, Stride: 2, Padding: graph.Valid})
	return levels
}
