// Package reference computes graphs in float64, straight from the definitions
// of the operations: the truth that tests measure rounding errors against.
package reference

import (
	"fmt"
	"math"
	"sync"

	"github.com/spinemask/spinemask/graph"
)

// Weights gives stored arrays by name.
type Weights interface {
	Float32(name string) ([]float32, error)
}

// Weights64 are Weights that are moved by less than a float32 can hold, for
// central differences.
type Weights64 interface {
	Weights
	Float64(name string) ([]float64, error)
}

// Map is a value of one item, H×W×C.
type Map struct {
	graph.Shape
	Data []float64
}

// New returns a map of zeros.
func New(s graph.Shape) Map { return Map{s, make([]float64, s.Size())} }

// Of converts h×w×c values.
func Of(h, w, c int, data []float32) Map {
	m := New(graph.Shape{H: h, W: w, C: c})
	for i, v := range data[:len(m.Data)] {
		m.Data[i] = float64(v)
	}
	return m
}

// At is the place of a value.
func (m Map) At(y, x, c int) *float64 { return &m.Data[(y*m.W+x)*m.C+c] }

// pixel is the channels of a pixel.
func (m Map) pixel(y, x int) []float64 { return m.Data[(y*m.W+x)*m.C:][:m.C] }

// RelRMS is the root mean square of got−m over that of m.
func (m Map) RelRMS(got []float32) float64 {
	var d, s float64
	for i, v := range m.Data {
		e := float64(got[i]) - v
		d += e * e
		s += v * v
	}
	return math.Sqrt(d / s)
}

// Run computes every value of a graph for one item. The inputs are given by the
// names of their nodes; h×w is the size that the graph is run at.
func Run(g *graph.Graph, h, w int, weights Weights, inputs map[string]Map) ([]Map, error) {
	values, err := run(g, h, w, weights, []map[string]Map{inputs}, false)
	if err != nil {
		return nil, err
	}
	return values[0], nil
}

// Train computes every value of a graph for the items of a batch, as training
// does: norms use the statistics of the batch.
func Train(g *graph.Graph, h, w int, weights Weights, inputs []map[string]Map) ([][]Map, error) {
	return run(g, h, w, weights, inputs, true)
}

func run(g *graph.Graph, h, w int, weights Weights, inputs []map[string]Map, train bool) ([][]Map, error) {
	shapes, err := g.Shapes(h, w)
	if err != nil {
		return nil, err
	}
	values := make([][]Map, len(inputs))
	for item := range values {
		values[item] = make([]Map, len(shapes))
	}
	for i, n := range g.Nodes() {
		for item := range values {
			if _, ok := n.Op.(graph.Input); ok {
				in, ok := inputs[item][n.Name]
				if !ok || in.Shape != shapes[i] {
					return nil, fmt.Errorf("reference: input %s: shape %v, want %v", n.Name, in.Shape, shapes[i])
				}
				values[item][i] = in
				continue
			}
			in := make([]Map, len(n.In))
			for k, v := range n.In {
				in[k] = values[item][v]
			}
			values[item][i] = New(shapes[i])
			if op, ok := n.Op.(graph.Norm); ok && train {
				continue // when all items are there
			} else if ok {
				err = normalise(op, n.Weights, weights, in[0], values[item][i])
			} else {
				err = compute(n, weights, in, values[item][i])
			}
			if err != nil {
				return nil, err
			}
		}
		if op, ok := n.Op.(graph.Norm); ok && train {
			if err := normaliseBatch(op, n.Weights, weights, values, int(n.In[0]), i); err != nil {
				return nil, err
			}
		}
	}
	return values, nil
}

// normaliseBatch makes value out of value in with the statistics of all items.
func normaliseBatch(op graph.Norm, place string, weights Weights, values [][]Map, in, out int) error {
	c := values[0][in].C
	gamma, err := load(weights, place+"/gamma", c)
	if err != nil {
		return err
	}
	beta, err := load(weights, place+"/beta", c)
	if err != nil {
		return err
	}
	mean, variance, n := make([]float64, c), make([]float64, c), 0.0
	for _, item := range values {
		n += float64(len(item[in].Data) / c)
		for i, v := range item[in].Data {
			mean[i%c] += v
		}
	}
	for i := range mean {
		mean[i] /= n
	}
	for _, item := range values {
		for i, v := range item[in].Data {
			variance[i%c] += (v - mean[i%c]) * (v - mean[i%c]) / n
		}
	}
	for _, item := range values {
		for i, v := range item[in].Data {
			k := i % c
			item[out].Data[i] = (v-mean[k])/math.Sqrt(variance[k]+op.Epsilon)*gamma[k] + beta[k]
		}
	}
	return nil
}

func compute(n graph.Node, weights Weights, in []Map, out Map) error {
	x := in[0]
	switch op := n.Op.(type) {
	case graph.Conv:
		return convolve(op, n.Weights, weights, x, out)
	case graph.Deconv:
		return deconvolve(op, n.Weights, weights, x, out)
	case graph.Depthwise:
		return convolveEach(op, n.Weights, weights, x, out)
	case graph.Mean:
		for i, v := range x.Data {
			out.Data[i%x.C] += v / float64(x.H*x.W)
		}
	case graph.Gate:
		for i, v := range x.Data {
			out.Data[i] = v * in[1].Data[i%x.C]
		}
	case graph.Dense:
		flat := Map{graph.Shape{H: 1, W: 1, C: len(x.Data)}, x.Data}
		return convolve(graph.Conv{Size: 1, Stride: 1, Padding: graph.Valid, Bias: op.Bias}, n.Weights, weights, flat, out)
	case graph.Activate:
		for i, v := range x.Data {
			out.Data[i] = activate(op.Func, v)
		}
	case graph.Add:
		for _, m := range in {
			for i, v := range m.Data {
				out.Data[i] += v
			}
		}
	case graph.MaxPool:
		pool(op, x, out)
	case graph.Upsample:
		for y := range out.H {
			for xx := range out.W {
				copy(out.pixel(y, xx), x.pixel(y/op.Factor, xx/op.Factor))
			}
		}
	case graph.Nearest:
		for y := range out.H {
			for xx := range out.W {
				copy(out.pixel(y, xx), x.pixel(op.Source(y, out.H, x.H), op.Source(xx, out.W, x.W)))
			}
		}
	default:
		return fmt.Errorf("reference: %s: %v is not known", n.Name, n.Op)
	}
	return nil
}

// convolve sums over a window.
func convolve(op graph.Conv, place string, weights Weights, x, out Map) error {
	kernel, err := load(weights, place+"/kernel", op.Size*op.Size*x.C*out.C)
	if err != nil {
		return err
	}
	bias, err := loadBias(weights, place, out.C, op.Bias)
	if err != nil {
		return err
	}
	_, top, _ := op.Padding.Window(x.H, op.Size, op.Stride)
	_, left, _ := op.Padding.Window(x.W, op.Size, op.Stride)
	rows(out.H, func(y int) {
		for xx := range out.W {
			acc := out.pixel(y, xx)
			copy(acc, bias)
			for ky := range op.Size {
				for kx := range op.Size {
					iy, ix := y*op.Stride-top+ky, xx*op.Stride-left+kx
					if iy < 0 || ix < 0 || iy >= x.H || ix >= x.W {
						continue
					}
					k := kernel[(ky*op.Size+kx)*x.C*out.C:]
					for c, v := range x.pixel(iy, ix) {
						for o, w := range k[c*out.C:][:out.C] {
							acc[o] += v * w
						}
					}
				}
			}
		}
	})
	return nil
}

// convolveEach sums over a window of each channel.
func convolveEach(op graph.Depthwise, place string, weights Weights, x, out Map) error {
	kernel, err := load(weights, place+"/kernel", op.Size*op.Size*x.C)
	if err != nil {
		return err
	}
	_, top, _ := op.Padding.Window(x.H, op.Size, op.Stride)
	_, left, _ := op.Padding.Window(x.W, op.Size, op.Stride)
	rows(out.H, func(y int) {
		for xx := range out.W {
			acc := out.pixel(y, xx)
			for ky := range op.Size {
				for kx := range op.Size {
					iy, ix := y*op.Stride-top+ky, xx*op.Stride-left+kx
					if iy < 0 || ix < 0 || iy >= x.H || ix >= x.W {
						continue
					}
					k := kernel[(ky*op.Size+kx)*x.C:]
					for c, v := range x.pixel(iy, ix) {
						acc[c] += v * k[c]
					}
				}
			}
		}
	})
	return nil
}

// deconvolve puts a window for each pixel of x beside its neighbours'. The
// kernel is [size][size][out][in].
func deconvolve(op graph.Deconv, place string, weights Weights, x, out Map) error {
	kernel, err := load(weights, place+"/kernel", op.Size*op.Size*x.C*out.C)
	if err != nil {
		return err
	}
	bias, err := loadBias(weights, place, out.C, op.Bias)
	if err != nil {
		return err
	}
	rows(out.H, func(y int) {
		for xx := range out.W {
			acc := out.pixel(y, xx)
			copy(acc, bias)
			k := kernel[(y%op.Size*op.Size+xx%op.Size)*x.C*out.C:]
			for o := range acc {
				for c, v := range x.pixel(y/op.Size, xx/op.Size) {
					acc[o] += v * k[o*x.C+c]
				}
			}
		}
	})
	return nil
}

func normalise(op graph.Norm, place string, weights Weights, x, out Map) error {
	var parts [4][]float64
	for i, leaf := range []string{"gamma", "beta", "mean", "variance"} {
		var err error
		if parts[i], err = load(weights, place+"/"+leaf, x.C); err != nil {
			return err
		}
	}
	gamma, beta, mean, variance := parts[0], parts[1], parts[2], parts[3]
	for i, v := range x.Data {
		c := i % x.C
		out.Data[i] = (v-mean[c])/math.Sqrt(variance[c]+op.Epsilon)*gamma[c] + beta[c]
	}
	return nil
}

func pool(op graph.MaxPool, x, out Map) {
	_, top, _ := op.Padding.Window(x.H, op.Size, op.Stride)
	_, left, _ := op.Padding.Window(x.W, op.Size, op.Stride)
	for y := range out.H {
		for xx := range out.W {
			best := out.pixel(y, xx)
			for c := range best {
				best[c] = math.Inf(-1)
			}
			for iy := max(0, y*op.Stride-top); iy < min(x.H, y*op.Stride-top+op.Size); iy++ {
				for ix := max(0, xx*op.Stride-left); ix < min(x.W, xx*op.Stride-left+op.Size); ix++ {
					for c, v := range x.pixel(iy, ix) {
						best[c] = max(best[c], v)
					}
				}
			}
		}
	}
}

func activate(f graph.Activation, v float64) float64 {
	switch f {
	case graph.Relu:
		return max(v, 0)
	case graph.Swish:
		return v / (1 + math.Exp(-v))
	case graph.HardSwish:
		return v * min(max(v+3, 0), 6) / 6
	case graph.Sigmoid:
		return 1 / (1 + math.Exp(-v))
	}
	return min(max(v+3, 0), 6) * 0.16667
}

func load(weights Weights, name string, n int) ([]float64, error) {
	if w, ok := weights.(Weights64); ok {
		v, err := w.Float64(name)
		if err == nil && len(v) != n {
			err = fmt.Errorf("reference: %s: %d values, want %d", name, len(v), n)
		}
		return v, err
	}
	v, err := weights.Float32(name)
	if err != nil {
		return nil, err
	}
	if len(v) != n {
		return nil, fmt.Errorf("reference: %s: %d values, want %d", name, len(v), n)
	}
	out := make([]float64, n)
	for i, x := range v {
		out[i] = float64(x)
	}
	return out, nil
}

func loadBias(weights Weights, place string, n int, has bool) ([]float64, error) {
	if !has {
		return make([]float64, n), nil
	}
	return load(weights, place+"/bias", n)
}

// rows calls do for 0 … n-1 from a few goroutines.
func rows(n int, do func(y int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range 2 {
		all.Go(func() {
			for y := range next {
				do(y)
			}
		})
	}
	for y := range n {
		next <- y
	}
	close(next)
	all.Wait()
}
