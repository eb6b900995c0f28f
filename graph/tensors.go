package graph

// A Tensor is a stored array that a graph needs: its name, shape and whether it
// is a statistic (moving mean or variance, not trained by gradients).
type Tensor struct {
	Name      string
	Shape     []int
	Statistic bool
}

// Tensors lists the stored arrays of the graph in order of first use; shared
// ones once. Layouts: kernels [size][size][in][out], of depthwise
// convolutions [size][size][in][1], of deconvolutions [size][size][out][in], of
// dense layers [height·width·in][out].
func (g *Graph) Tensors() []Tensor {
	var list []Tensor
	seen := map[string]bool{}
	for _, n := range g.nodes {
		if n.Weights == "" || seen[n.Weights] || len(n.In) == 0 {
			continue
		}
		seen[n.Weights] = true
		for _, t := range n.Op.tensors(g.channels[n.In[0]]) {
			t.Name = n.Weights + "/" + t.Name
			list = append(list, t)
		}
	}
	return list
}

// kernel returns a kernel and, if wanted, a bias of out values.
func kernel(bias bool, out int, shape ...int) []Tensor {
	list := []Tensor{{Name: "kernel", Shape: shape}}
	if bias {
		list = append(list, Tensor{Name: "bias", Shape: []int{out}})
	}
	return list
}

func (o Input) tensors(int) []Tensor    { return nil }
func (o Activate) tensors(int) []Tensor { return nil }
func (o Add) tensors(int) []Tensor      { return nil }
func (o MaxPool) tensors(int) []Tensor  { return nil }
func (o Upsample) tensors(int) []Tensor { return nil }
func (o Nearest) tensors(int) []Tensor  { return nil }
func (o Mean) tensors(int) []Tensor     { return nil }
func (o Gate) tensors(int) []Tensor     { return nil }
func (o Depthwise) tensors(in int) []Tensor {
	return kernel(false, in, o.Size, o.Size, in, 1)
}
func (o Norm) tensors(in int) []Tensor {
	return []Tensor{
		{Name: "gamma", Shape: []int{in}},
		{Name: "beta", Shape: []int{in}},
		{Name: "mean", Shape: []int{in}, Statistic: true},
		{Name: "variance", Shape: []int{in}, Statistic: true},
	}
}
func (o Conv) tensors(in int) []Tensor {
	return kernel(o.Bias, o.Out, o.Size, o.Size, in, o.Out)
}
func (o Deconv) tensors(in int) []Tensor {
	return kernel(o.Bias, o.Out, o.Size, o.Size, o.Out, in)
}
func (o Dense) tensors(in int) []Tensor {
	return kernel(o.Bias, o.Out, o.Height*o.Width*in, o.Out)
}
