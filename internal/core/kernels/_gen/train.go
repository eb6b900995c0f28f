package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// train writes the element-wise functions of training.
func (v *isa) train() {
	for _, add := range []bool{false, true} {
		v.slopeRelu(add)
		v.slopeSwish(add)
	}
	v.affine()
	v.sumSquares()
	v.normSums()
	v.normGrad(false)
	v.normGrad(true)
}

// addName is the ending of the functions that add to what is there.
func addName(add bool) (name, op string) {
	if add {
		return "Add", "+="
	}
	return "", "="
}

func (v *isa) slopeRelu(add bool) {
	name, op := addName(add)
	v.function("SlopeRelu"+name, "func(dx, dy, x []float32)", "sets dx[i] "+op+" x[i] > 0 ? dy[i] : 0.")
	x, dy, zero, d := v.regs[0], v.regs[1], v.regs[2], v.regs[3]
	v.zero(zero)
	v.each([]string{"dx", "dy", "x"}, func(at []Mem, m *mask) {
		v.load(at[2], m, x)
		v.load(at[1], m, dy)
		const greater = 30 // ordered, quiet
		if v.wide {
			v.VCMPPS(Imm(greater), zero, x, K2)
			v.VMOVAPS_Z(dy, K2, dy)
		} else {
			v.VCMPPS(Imm(greater), zero, x, x)
			v.VANDPS(x, dy, dy)
		}
		if add {
			v.load(at[0], m, d)
			v.VADDPS(d, dy, dy)
		}
		v.store(dy, m, at[0])
	})
}

// slopeSwish: the derivative of x·g, g = sigmoid(x), is g·(1 + x·(1 − g)).
func (v *isa) slopeSwish(add bool) {
	name, op := addName(add)
	v.function("SlopeSwish"+name, "func(dx, dy, x []float32)", "sets dx[i] "+op+" dy[i] * g * (1 + x[i]*(1-g)), g = sigmoid(x[i]).")
	g := v.newGate()
	v.each([]string{"dx", "dy", "x"}, func(at []Mem, m *mask) {
		v.load(at[2], m, g.x)
		v.open(g)
		v.VSUBPS(g.y, g.one, g.t)      // 1 − g
		v.VFMADD213PS(g.one, g.x, g.t) // t = t·x + 1
		v.VMULPS(g.y, g.t, g.t)
		v.load(at[1], m, g.r)
		v.VMULPS(g.r, g.t, g.t)
		if add {
			v.load(at[0], m, g.r)
			v.VADDPS(g.r, g.t, g.t)
		}
		v.store(g.t, m, at[0])
	})
}

// column writes a loop over the pixels of one vector of channels, whose constants
// stay in registers: pointers move by stride floats from pixel to pixel. lanes says how many channels the vector has.
func (v *isa) column(slices []string, constants map[string]VecPhysical, order []string, after func(m mask), body func(at []Mem, m mask)) {
	v.Load(v.Param("lanes"), RAX)
	m := v.tailMask(RAX, v.maskReg())
	for _, name := range order {
		p := v.Load(v.Param(name), R11)
		v.load(Mem{Base: p}, &m, constants[name])
	}
	at := make([]Mem, len(slices))
	for i, name := range slices {
		at[i] = Mem{Base: v.Load(v.Param(name), pointers[i])}
	}
	stride := v.Load(v.Param("stride"), R12)
	v.SHLQ(Imm(2), stride)
	n := v.Load(v.Param("pixels"), left)
	v.Label("pixel")
	body(at, m)
	for i := range at {
		v.ADDQ(stride, pointers[i])
	}
	v.DECQ(n)
	v.JNZ(LabelRef("pixel"))
	if after != nil {
		after(m)
	}
	v.ret()
}

func (v *isa) affine() {
	v.function("Affine", "func(y, x, scale, shift *float32, pixels, stride, lanes int)",
		"sets y[p*stride+c] = x[p*stride+c]*scale[c] + shift[c] for pixels > 0 and c < lanes.")
	x, scale, shift := v.regs[0], v.regs[1], v.regs[2]
	v.column([]string{"y", "x"}, map[string]VecPhysical{"scale": scale, "shift": shift}, []string{"scale", "shift"}, nil, func(at []Mem, m mask) {
		v.load(at[1], &m, x)
		v.VFMADD213PS(shift, scale, x)
		v.store(x, &m, at[0])
	})
}

func (v *isa) sumSquares() {
	v.function("SumSquares", "func(sum, square, x *float32, pixels, stride, lanes int)",
		"adds x[p*stride+c] to sum[c] and its square to square[c], pixel by pixel, for pixels > 0 and c < lanes.")
	x, sum, square := v.regs[0], v.regs[1], v.regs[2]
	v.column([]string{"x"}, map[string]VecPhysical{"sum": sum, "square": square}, []string{"sum", "square"}, func(m mask) {
		v.keep("sum", sum, m)
		v.keep("square", square, m)
	}, func(at []Mem, m mask) {
		v.load(at[0], &m, x)
		v.VADDPS(x, sum, sum)
		v.VFMADD231PS(x, x, square)
	})
}

// keep stores a sum where it came from.
func (v *isa) keep(name string, r VecPhysical, m mask) {
	p := v.Load(v.Param(name), R11)
	v.store(r, &m, Mem{Base: p})
}

func (v *isa) normSums() {
	v.function("NormSums", "func(sum, product, grad, x, unit, center *float32, pixels, stride, lanes int)",
		"adds grad[p*stride+c] to sum[c] and grad*(x*unit[c] + center[c]) to product[c], pixel by pixel, for pixels > 0 and c < lanes.")
	x, g, sum, product, unit, center := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5]
	v.column([]string{"grad", "x"}, map[string]VecPhysical{"sum": sum, "product": product, "unit": unit, "center": center}, []string{"sum", "product", "unit", "center"}, func(m mask) {
		v.keep("sum", sum, m)
		v.keep("product", product, m)
	}, func(at []Mem, m mask) {
		v.load(at[1], &m, x)
		v.load(at[0], &m, g)
		v.VFMADD213PS(center, unit, x)
		v.VADDPS(g, sum, sum)
		v.VFMADD231PS(x, g, product)
	})
}

func (v *isa) normGrad(add bool) {
	name, op := addName(add)
	v.function("NormGrad"+name, "func(dx, grad, x, unit, center, a, b, d *float32, pixels, stride, lanes int)",
		"sets dx[p*stride+c] "+op+" grad*a[c] + ((x*unit[c] + center[c])*b[c] + d[c]) for pixels > 0 and c < lanes.")
	x, g, unit, center, a, b, d, old := v.regs[0], v.regs[1], v.regs[2], v.regs[3], v.regs[4], v.regs[5], v.regs[6], v.regs[7]
	v.column([]string{"dx", "grad", "x"}, map[string]VecPhysical{"unit": unit, "center": center, "a": a, "b": b, "d": d}, []string{"unit", "center", "a", "b", "d"}, nil, func(at []Mem, m mask) {
		v.load(at[2], &m, x)
		v.load(at[1], &m, g)
		v.VFMADD213PS(center, unit, x)
		v.VFMADD213PS(d, b, x)
		v.VFMADD231PS(a, g, x)
		if add {
			v.load(at[0], &m, old)
			v.VADDPS(old, x, x)
		}
		v.store(x, &m, at[0])
	})
}
