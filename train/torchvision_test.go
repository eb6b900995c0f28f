package train

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/core/backprop"
	"github.com/spinemask/spinemask/internal/core/network"
	"github.com/spinemask/spinemask/internal/core/parallel"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
	"github.com/spinemask/spinemask/internal/testkit/testweights/formula"
	"github.com/spinemask/spinemask/weights"
)

// The gradients of all weights of a Mask R-CNN of torchvision with frozen norms, through
// the trunk, the pyramid, the region proposal network, RoIAlign and both heads, against
// PyTorch's in float64 (testdata/README.md).
func TestGradientsEqualTorchvision(t *testing.T) {
	golden := testutil.Load(t, "testdata/torchvision_step.safetensors")
	f, err := weights.FromTensors("torchvision", torchvisionState(golden), nil)
	require.NoError(t, err)
	epsilon := 1e-5
	c, _, err := f.Config(weights.Options{NormEpsilon: &epsilon})
	require.NoError(t, err)
	n, err := network.Build(c)
	require.NoError(t, err)
	g := given{}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		g[name], err = x.Float32(nil)
		require.NoError(t, err)
	}
	params, err := backprop.NewParams(n.Tensors(), g)
	require.NoError(t, err)
	require.Len(t, params.List, len(g))

	const height, width, masked = 128, 160, 4
	var boxes []box.Box
	for d := golden.Get(t, "boxes").Data; len(d) > 0; d = d[4:] {
		boxes = append(boxes, box.Box{X1: d[0], Y1: d[1], X2: d[2], Y2: d[3]})
	}
	m, err := newMaskRCNN(c, params, sizes{1, height, width, len(boxes), masked}, parallel.NewTeam(2), backprop.Options{FrozenNorms: true})
	require.NoError(t, err)

	in := m.trunk.Input("image")
	fine, coarse := formula.Values("image", 3*height*width, 1, 0), formula.Values("image/16", 3*(height/16)*(width/16), 1.5, 0)
	for y := range height {
		for i, row := 0, in.Row(0, y); i < 3*width; i++ {
			x, ch := i/3, i%3
			row[i] = fine[(ch*height+y)*width+x] + coarse[(ch*(height/16)+y/16)*(width/16)+x/16]
		}
	}
	in.ClearBorders()
	params.ClearGrads()
	ctx := context.Background()
	require.NoError(t, m.trunk.Forward(ctx))
	o := &outputs{t: t, golden: golden}
	for l := 2; l <= 6; l++ {
		o.compare(m.trunk, fmt.Sprint("objectness", l), fmt.Sprint("objectness", l), 1)
		o.compare(m.trunk, fmt.Sprint("deltas", l), fmt.Sprint("deltas", l), 4)
	}
	var grads []*backprop.Map
	for l := c.RoIAlign.MinLevel; l <= c.RoIAlign.MaxLevel; l++ {
		grads = append(grads, m.trunk.OutputGrad(network.PName(l)))
	}
	regions := [][]box.Box{boxes}
	m.align(m.box, regions)
	require.NoError(t, m.box.Forward(ctx))
	o.compare(m.box, "classes", "classes", 1)
	o.compare(m.box, "deltas", "box", 4)
	require.NoError(t, m.box.Backward(ctx))
	m.alignBack(m.box, regions, grads)
	regions = [][]box.Box{boxes[:masked]}
	m.align(m.mask, regions)
	require.NoError(t, m.mask.Forward(ctx))
	o.compare(m.mask, "logits", "masks", 1)
	require.NoError(t, m.mask.Backward(ctx))
	m.alignBack(m.mask, regions, grads)
	require.NoError(t, m.trunk.Backward(ctx))
	require.InEpsilon(t, golden.Get(t, "loss").Data[0], o.loss, 1e-4)

	// PyTorch's gradients come to our layout as weights do.
	var list []weights.Tensor
	for name, x := range golden {
		if name, ok := strings.CutPrefix(name, "grad."); ok {
			list = append(list, weights.NewTensor(name, x.Shape, x.Data))
		}
	}
	for _, x := range torchvisionState(golden) { // a norm has to be whole to be read
		if strings.Contains(x.Name, ".bn") || strings.Contains(x.Name, "downsample.1") {
			list = append(list, x)
		}
	}
	want, err := weights.FromTensors("gradients", list, nil)
	require.NoError(t, err)
	compared, worst := 0, 0.0
	for _, p := range params.List {
		if strings.Contains(p.Name, "/norm/") {
			continue
		}
		x, ok := want.Tensor(p.Name)
		require.True(t, ok, p.Name)
		w, err := x.Float32(nil)
		require.NoError(t, err)
		require.Len(t, p.Grad, len(w), p.Name)
		diff := make([]float32, len(w))
		for i := range w {
			diff[i] = p.Grad[i] - w[i]
		}
		require.LessOrEqual(t, norm(diff), 1e-5*norm(w), p.Name)
		worst = max(worst, norm(diff)/norm(w))
		compared++
	}
	t.Logf("the worst is %.1g of the norm away", worst)
	require.Equal(t, 53+16+6+8+12, compared) // kernels, and biases of all but the trunk
}

// outputs compares outputs, and fills their gradients.
type outputs struct {
	t      *testing.T
	golden testutil.Tensors
	loss   float64
}

// compare is for an output that PyTorch has as [items][channels][rows][columns]. Of each
// four channels of deltas ours have y before x.
func (o *outputs) compare(p *backprop.Program, name, torch string, group int) {
	out, grad := p.Output(name), p.OutputGrad(name)
	pixels := out.Height * out.Width
	g := formula.Values("gradient/"+torch, out.Items*pixels*out.Channels, 1, 0)
	want := o.golden["out."+torch].Data // some are left out
	var a, b []float32
	for item := range out.Items {
		for y := range out.Height {
			for x := range out.Width {
				for ch := range out.Channels {
					from := ch
					if group == 4 {
						from ^= 1
					}
					at := ((item*out.Channels+from)*out.Height+y)*out.Width + x
					v := out.Pixel(item, y, x)[ch]
					grad.Pixel(item, y, x)[ch] = g[at]
					o.loss += float64(v) * float64(g[at])
					if want != nil {
						a, b = append(a, want[at]), append(b, v)
					}
				}
			}
		}
	}
	testutil.RequireClose(o.t, a, b, 2e-5, torch)
}

// torchvisionState are the weights of the fixture by its names: those that have gradients,
// and the norms behind the convolutions of the ResNet.
func torchvisionState(golden testutil.Tensors) (list []weights.Tensor) {
	add := func(name string, shape []int, a, c float32) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		list = append(list, weights.NewTensor(name, shape, formula.Values("weight/"+name, n, a, c)))
	}
	for name, x := range golden {
		name, ok := strings.CutPrefix(name, "grad.")
		if !ok {
			continue
		}
		if len(x.Shape) == 1 {
			add(name, x.Shape, 0.125, 0)
			continue
		}
		fan := 1
		for _, d := range x.Shape[1:] {
			fan *= d
		}
		add(name, x.Shape, float32(math.Exp2(math.RoundToEven(math.Log2(6/float64(fan))/2))), 0)
		module, ok := strings.CutSuffix(name, ".weight")
		if !ok || !strings.HasPrefix(name, "backbone.body.") {
			continue
		}
		i := len(module) - 1
		if before, ok := strings.CutSuffix(module, "downsample.0"); ok {
			module = before + "downsample.1"
		} else {
			module = module[:i-4] + "bn" + module[i:]
		}
		channels := x.Shape[:1]
		if strings.HasSuffix(module, "bn3") {
			add(module+".weight", channels, 0.125, 0.375)
		} else {
			add(module+".weight", channels, 0.25, 1)
		}
		add(module+".bias", channels, 0.25, 0.25)
		add(module+".running_mean", channels, 0.25, 0)
		add(module+".running_var", channels, 0.25, 1)
	}
	slices.SortFunc(list, func(a, b weights.Tensor) int { return strings.Compare(a.Name, b.Name) })
	return list
}
