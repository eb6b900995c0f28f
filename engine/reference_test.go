package engine

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/spinemask/spinemask/graph"
)

// mapWeights are weights in memory.
type mapWeights map[string][]float32

func (w mapWeights) Float32(name string) ([]float32, error) {
	t, ok := w[name]
	if !ok {
		return nil, fmt.Errorf("%s: missing", name)
	}
	return t, nil
}

// randomWeights makes weights for a graph that keep values of order one.
func randomWeights(g *graph.Graph, seed uint64) mapWeights {
	r := rand.New(rand.NewPCG(seed, 1))
	w := mapWeights{}
	for _, t := range g.Tensors() {
		n, last := 1, t.Shape[len(t.Shape)-1]
		for _, d := range t.Shape {
			n *= d
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(r.NormFloat64()) * float32(math.Sqrt(2*float64(last)/float64(n)))
			if t.Statistic {
				v[i] = 0.5 + r.Float32()
			} else if len(t.Shape) == 1 {
				v[i] = 0.5 + r.Float32()
			}
		}
		w[t.Name] = v
	}
	return w
}

// tensor is a value of one item in float64.
type refMap struct {
	graph.Shape
	data []float64
}

func newRefMap(s graph.Shape) refMap { return refMap{s, make([]float64, s.Size())} }

func (m refMap) at(y, x, c int) *float64 { return &m.data[(y*m.W+x)*m.C+c] }

// reference computes every value of a graph for one item, in float64, straight
// from the definitions of the operations.
func reference(g *graph.Graph, w mapWeights, input refMap) []refMap {
	shapes, err := g.Shapes(input.H, input.W)
	if err != nil {
		panic(err)
	}
	var values []refMap
	for i, n := range g.Nodes() {
		out := newRefMap(shapes[i])
		var x refMap
		if len(n.In) > 0 {
			x = values[n.In[0]]
		}
		switch op := n.Op.(type) {
		case graph.Input:
			out = input
		case graph.Conv:
			_, top, _ := op.Padding.Window(x.H, op.Size, op.Stride)
			_, left, _ := op.Padding.Window(x.W, op.Size, op.Stride)
			k := w[n.Weights+"/kernel"]
			for y := range out.H {
				for xx := range out.W {
					for o := range out.C {
						acc := refBias(w, n.Weights, o, op.Bias)
						for ky := range op.Size {
							for kx := range op.Size {
								iy, ix := y*op.Stride-top+ky, xx*op.Stride-left+kx
								if iy < 0 || ix < 0 || iy >= x.H || ix >= x.W {
									continue
								}
								for c := range x.C {
									acc += *x.at(iy, ix, c) * float64(k[((ky*op.Size+kx)*x.C+c)*out.C+o])
								}
							}
						}
						*out.at(y, xx, o) = acc
					}
				}
			}
		case graph.Deconv:
			k := w[n.Weights+"/kernel"]
			for y := range out.H {
				for xx := range out.W {
					for o := range out.C {
						acc := refBias(w, n.Weights, o, op.Bias)
						for c := range x.C {
							acc += *x.at(y/op.Size, xx/op.Size, c) * float64(k[((y%op.Size*op.Size+xx%op.Size)*out.C+o)*x.C+c])
						}
						*out.at(y, xx, o) = acc
					}
				}
			}
		case graph.Dense:
			k := w[n.Weights+"/kernel"]
			for o := range out.C {
				acc := refBias(w, n.Weights, o, op.Bias)
				for i, v := range x.data {
					acc += v * float64(k[i*out.C+o])
				}
				out.data[o] = acc
			}
		case graph.Norm:
			gamma, beta := w[n.Weights+"/gamma"], w[n.Weights+"/beta"]
			mean, variance := w[n.Weights+"/mean"], w[n.Weights+"/variance"]
			for i, v := range x.data {
				c := i % x.C
				out.data[i] = (v-float64(mean[c]))/math.Sqrt(float64(variance[c])+op.Epsilon)*float64(gamma[c]) + float64(beta[c])
			}
		case graph.Activate:
			for i, v := range x.data {
				out.data[i] = activateReference(op.Func, v)
			}
		case graph.Add:
			for _, in := range n.In {
				for i, v := range values[in].data {
					out.data[i] += v
				}
			}
		case graph.MaxPool:
			_, top, _ := op.Padding.Window(x.H, op.Size, op.Stride)
			_, left, _ := op.Padding.Window(x.W, op.Size, op.Stride)
			for y := range out.H {
				for xx := range out.W {
					for c := range out.C {
						best := math.Inf(-1)
						for iy := max(0, y*op.Stride-top); iy < min(x.H, y*op.Stride-top+op.Size); iy++ {
							for ix := max(0, xx*op.Stride-left); ix < min(x.W, xx*op.Stride-left+op.Size); ix++ {
								best = max(best, *x.at(iy, ix, c))
							}
						}
						*out.at(y, xx, c) = best
					}
				}
			}
		case graph.Upsample:
			for y := range out.H {
				for xx := range out.W {
					for c := range out.C {
						*out.at(y, xx, c) = *x.at(y/op.Factor, xx/op.Factor, c)
					}
				}
			}
		}
		values = append(values, out)
	}
	return values
}

func refBias(w mapWeights, place string, o int, has bool) float64 {
	if !has {
		return 0
	}
	return float64(w[place+"/bias"][o])
}

func activateReference(f graph.Activation, v float64) float64 {
	gate := func(v float64) float64 { return min(max(v+3, 0), 6) / 6 }
	switch f {
	case graph.Relu:
		return max(v, 0)
	case graph.Swish:
		return v / (1 + math.Exp(-v))
	case graph.HardSwish:
		return v * gate(v)
	case graph.Sigmoid:
		return 1 / (1 + math.Exp(-v))
	}
	return gate(v)
}
