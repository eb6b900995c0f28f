package kernels

import "math"

var negativeInfinity = float32(math.Inf(-1))

// winogradGeneric are the transforms in plain Go.
var winogradGeneric = func() (w winogradSet) {
	for m, t := range transforms {
		w.input[m] = func(_, src []float32, srcStep, srcLine, _ int, dst []float32, dstStep, dstLine, lines, channels int) {
			var x, y [9]float32
			for l := range lines {
				for c := range channels {
					gather(x[:t.n], src[l*srcLine+c:], srcStep)
					t.input(&x, &y)
					scatter(dst[l*dstLine+c:], dstStep, y[:t.n])
				}
			}
		}
		w.output[m] = func(_, src []float32, srcStep, srcLine, _ int, dst []float32, dstStep, dstLine, lines, channels int) {
			var x, y [9]float32
			for l := range lines {
				for c := range channels {
					gather(x[:t.n], src[l*srcLine+c:], srcStep)
					t.output(&x, &y)
					scatter(dst[l*dstLine+c:], dstStep, y[:t.m])
				}
			}
		}
		w.gradient[m] = func(_, src []float32, srcStep, srcLine, _ int, dst []float32, dstStep, dstLine, lines, channels int) {
			var x, y [9]float32
			for l := range lines {
				for c := range channels {
					gather(x[:t.m], src[l*srcLine+c:], srcStep)
					t.gradient(&x, &y)
					scatter(dst[l*dstLine+c:], dstStep, y[:t.n])
				}
			}
		}
		w.finish[m] = func(_, src []float32, srcStep, srcLine, _ int, dst []float32, dstStep, dstLine, lines, channels int, scale, shift, residual []float32, resStep, resLine int, floor float32) {
			var x, y [9]float32
			for l := range lines {
				for c := range channels {
					gather(x[:t.n], src[l*srcLine+c:], srcStep)
					t.output(&x, &y)
					for o := range t.m {
						v := float32(y[o]*scale[c]) + shift[c]
						if residual != nil {
							v += residual[l*resLine+o*resStep+c]
						}
						if floor > v {
							v = floor
						}
						dst[l*dstLine+o*dstStep+c] = v
					}
				}
			}
		}
	}
	return w
}()

func gather(x, src []float32, step int) {
	for j := range x {
		x[j] = src[j*step]
	}
}

func scatter(dst []float32, step int, y []float32) {
	for o, v := range y {
		dst[o*step] = v
	}
}
