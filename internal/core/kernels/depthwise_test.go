package kernels

import (
	"fmt"
	"testing"
)

func TestDepthwiseAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(31)
		make := guardedRandom(t, rng, 5, 1<<18)
		add := mulAdd(s)
		for range *rounds / 4 {
			d := Depthwise{Size: 1 + 2*rng.IntN(3), C: 1 + rng.IntN(80), Stride: 1 + rng.IntN(2), Height: 1 + rng.IntN(5), Width: 1 + rng.IntN(27), Act: []Activation{None, Relu, HardSwish}[rng.IntN(3)]}
			items := 1 + rng.IntN(2)
			width, height := (d.Width-1)*d.Stride+d.Size, (d.Height-1)*d.Stride+d.Size
			d.InRow = width*d.C + rng.IntN(3)
			d.InItem = height * d.InRow
			d.OutRow = d.Width*d.C + rng.IntN(3)
			d.OutItem = d.Height * d.OutRow
			d.In = make(0, (items-1)*d.InItem+(height-1)*d.InRow+width*d.C)
			d.Kernel, d.Shift = make(1, d.Size*d.Size*d.C), make(2, d.C)
			d.Out = make(3, (items-1)*d.OutItem+(d.Height-1)*d.OutRow+d.Width*d.C)
			for i := range d.Out {
				d.Out[i] = canary
			}
			want := clone(d.Out)
			var sums []float32
			if rng.IntN(2) == 0 {
				d.Sums = make(4, items*d.Height*d.C)
				for i := range d.Sums {
					d.Sums[i] = canary
				}
				sums = clone(d.Sums)
			}
			row0 := rng.IntN(items * d.Height)
			row1 := row0 + rng.IntN(items*d.Height-row0+1)
			for g := row0; g < row1; g++ {
				i, y := g/d.Height, g%d.Height
				if sums != nil {
					clear(sums[g*d.C:][:d.C])
				}
				for x := range d.Width {
					for c := range d.C {
						acc := d.Shift[c]
						for kh := range d.Size {
							for kw := range d.Size {
								acc = add(d.In[i*d.InItem+(y*d.Stride+kh)*d.InRow+(x*d.Stride+kw)*d.C+c], d.Kernel[(kh*d.Size+kw)*d.C+c], acc)
							}
						}
						acc = scalar[d.Act](acc)
						want[i*d.OutItem+y*d.OutRow+x*d.C+c] = acc
						if sums != nil {
							sums[g*d.C+c] += acc
						}
					}
				}
			}
			s.Depthwise(&d, row0, row1)
			requireSame(t, want, d.Out, fmt.Sprintf("%d items, rows %d to %d, %+v", items, row0, row1, d.Size))
			requireSame(t, sums, d.Sums, "sums")
		}
	})
}

// BenchmarkDepthwise is beside copying the same bytes: a map in, a map out.
func BenchmarkDepthwise(b *testing.B) {
	for _, shape := range []struct{ side, c, stride int }{{192, 48, 1}, {192, 96, 2}, {96, 144, 1}, {48, 240, 1}, {24, 480, 1}, {12, 672, 1}} {
		out := shape.side / shape.stride
		row := (shape.side + 2) * shape.c
		d := Depthwise{
			Size: 3, C: shape.c, Stride: shape.stride, Height: out, Width: out,
			In: Alloc((shape.side + 2) * row), InRow: row, Out: Alloc(out * out * shape.c), OutRow: out * shape.c,
			Kernel: Alloc(9 * shape.c), Shift: Alloc(shape.c),
		}
		bytes := int64(4 * (shape.side*shape.side + out*out) * shape.c)
		for _, s := range Sets() {
			b.Run(fmt.Sprintf("%dx%d/%d/%s", shape.side, shape.c, shape.stride, s.Name), func(b *testing.B) {
				b.SetBytes(bytes)
				for b.Loop() {
					s.Depthwise(&d, 0, out)
				}
			})
		}
		from, to := Alloc(int(bytes/8)), Alloc(int(bytes/8))
		b.Run(fmt.Sprintf("%dx%d/%d/copy", shape.side, shape.c, shape.stride), func(b *testing.B) {
			b.SetBytes(bytes)
			for b.Loop() {
				copy(to, from)
			}
		})
	}
}

func TestSumAgainstLoop(t *testing.T) {
	eachSet(t, func(t *testing.T, s *Set) {
		rng := newRand(32)
		make := guardedRandom(t, rng, 2, 1<<14)
		for range *rounds / 2 {
			c, pixels := 1+rng.IntN(70), rng.IntN(30)
			stride := c + rng.IntN(20)
			sum, x := make(0, c), make(1, max(0, pixels-1)*stride+c)
			want := clone(sum)
			for p := range pixels {
				for i := range want {
					want[i] += x[p*stride+i]
				}
			}
			s.Sum(sum, x, pixels, stride)
			requireSame(t, want, sum, []int{c, pixels, stride})
		}
	})
}
