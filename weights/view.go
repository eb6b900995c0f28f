package weights

import "slices"

// A view arranges stored values: axis i has dims[i] elements, strides[i] values apart. What is read through it is
// row-major in dims, which together make up the shape of the tensor (one dimension of it may be several axes).
type view struct {
	dims, strides []int
	last          []int // element of the last axis → element there in the file, −1: zero; nil: the same
}

// axes returns the view of a tensor, which is that of its shape if it has none of its own.
func (t Tensor) axes() view {
	if t.view != nil {
		return *t.view
	}
	v := view{dims: t.Shape, strides: make([]int, len(t.Shape))}
	stride := 1
	for i := len(v.dims) - 1; i >= 0; i-- {
		v.strides[i] = stride
		stride *= v.dims[i]
	}
	return v
}

// permuted returns the tensor with its axes in another order: axis i of the result is axis order[i] of t.
func (t Tensor) permuted(order ...int) Tensor {
	from := t.axes()
	v := view{dims: make([]int, len(order)), strides: make([]int, len(order))}
	for i, o := range order {
		v.dims[i], v.strides[i] = from.dims[o], from.strides[o]
	}
	t.Shape, t.view = v.dims, &v
	return t
}

// split returns the tensor with one axis written as several, the last of them the fastest.
func (t Tensor) split(axis int, dims ...int) Tensor {
	from := t.axes()
	strides := make([]int, len(dims))
	stride := from.strides[axis]
	for i := len(dims) - 1; i >= 0; i-- {
		strides[i] = stride
		stride *= dims[i]
	}
	v := view{
		dims:    slices.Concat(from.dims[:axis], dims, from.dims[axis+1:]),
		strides: slices.Concat(from.strides[:axis], strides, from.strides[axis+1:]),
	}
	t.Shape, t.view = v.dims, &v
	return t
}

// reordered returns the tensor with other elements on its last axis: element i is element last[i], or zero if that is −1.
func (t Tensor) reordered(last []int) Tensor {
	v := t.axes()
	v.dims = append(slices.Clone(v.dims[:len(v.dims)-1]), len(last))
	v.last = last
	t.Shape = append(slices.Clone(t.Shape[:len(t.Shape)-1]), len(last))
	t.view = &v
	return t
}

// shaped returns the tensor with another shape of the same elements in the same order.
func (t Tensor) shaped(shape ...int) Tensor {
	v := t.axes()
	t.Shape, t.view = shape, &v
	return t
}

// gather stores the elements in dst.
func (v *view) gather(dst, stored []float32) {
	if len(v.dims) == 0 {
		dst[0] = stored[0]
		return
	}
	n := v.dims[len(v.dims)-1]
	stride := v.strides[len(v.dims)-1]
	at := make([]int, len(v.dims)-1) // place on the slower axes
	base := 0
	for len(dst) > 0 {
		if v.last == nil {
			for i := range dst[:n] {
				dst[i] = stored[base+i*stride]
			}
		} else {
			for i, from := range v.last {
				dst[i] = 0
				if from >= 0 {
					dst[i] = stored[base+from*stride]
				}
			}
		}
		dst = dst[n:]
		for axis := len(at) - 1; axis >= 0; axis-- {
			at[axis]++
			base += v.strides[axis]
			if at[axis] < v.dims[axis] {
				break
			}
			base -= at[axis] * v.strides[axis]
			at[axis] = 0
		}
	}
}
