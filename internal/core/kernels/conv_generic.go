package kernels

// generic is the plain Go reference, and the only set of machines without assembly here.
var generic = Set{
	Name:     "generic",
	lanes:    8,
	panel:    1,
	activate: [activations]func([]float32){Relu: eachOf(Relu), Swish: eachOf(Swish), HardSwish: eachOf(HardSwish), Sigmoid: eachOf(Sigmoid), HardSigmoid: eachOf(HardSigmoid)},
	add:      addGeneric,
	max:      maxGeneric,
	blend4:   blend4Generic,
	peak:     peakGeneric,
	winograd: winogradGeneric,
}

// runGeneric is the loop in the comment of Conv, for the outputs of a run, with no activation but Relu.
func runGeneric(r *run) {
	w, p := r.W, r.panel
	var acc [8]float32
	for i := range r.pixels {
		copy(acc[:], p.bias)
		k := 0
		for kh := range w.KH {
			for kw := range w.KW {
				in := r.In[r.in+i*r.inStep+kh*r.InRow+kw*r.InPixel:][:w.C]
				for _, x := range in {
					for j, v := range (*[8]float32)(p.weights[k:]) {
						acc[j] += float32(x * v)
					}
					k += 8
				}
			}
		}
		out := r.Out[r.out+i*r.outStep:][:p.width]
		for n := range out {
			v := acc[n]
			if r.Scale != nil {
				v = float32(v*r.Scale[p.first+n]) + r.Shift[p.first+n]
			}
			if r.Residual != nil {
				v += r.Residual[r.res+i*r.resStep+n]
			}
			if r.Act == Relu && v < 0 {
				v = 0
			}
			out[n] = v
		}
	}
}
