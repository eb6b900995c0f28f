package kernels

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// convShape is a convolution worth timing: window k×k, stride s, h×w outputs of items maps, c → n channels.
type convShape struct{ k, s, h, w, items, c, n int }

func (b convShape) String() string {
	return fmt.Sprintf("%dx%ds%d_%dx%dx%d_%d-%d", b.k, b.k, b.s, b.items, b.h, b.w, b.c, b.n)
}

func (b convShape) flops() float64 {
	return 2 * float64(b.k*b.k*b.h*b.w*b.items) * float64(b.c*b.n)
}

// conv makes a convolution of this shape with random numbers in it.
func (b convShape) conv(s *Set) *Conv {
	rng := newRand(7)
	rows, columns := (b.h-1)*b.s+b.k, (b.w-1)*b.s+b.k
	return &Conv{
		W:      s.Pack(normal(rng, b.k*b.k*b.c*b.n), b.k, b.k, b.c, b.n, normal(rng, b.n)),
		In:     allocNormal(b.items * rows * columns * b.c),
		InItem: rows * columns * b.c, InRow: columns * b.c, InPixel: b.c, StrideY: b.s, StrideX: b.s,
		Out:     Alloc(b.items * b.h * b.w * b.n),
		OutItem: b.h * b.w * b.n, OutRow: b.w * b.n, OutPixel: b.n,
		Height: b.h, Width: b.w, Act: Relu,
	}
}

var convShapes = []convShape{
	{3, 1, 80, 80, 1, 256, 256},
	{3, 1, 40, 40, 1, 256, 256},
	{3, 1, 160, 160, 1, 256, 256},
	{3, 1, 7, 7, 48, 256, 256},
	{3, 1, 14, 14, 16, 256, 256},
	{3, 1, 80, 80, 1, 64, 64},
	{3, 1, 80, 80, 1, 96, 96},
	{3, 1, 80, 80, 1, 48, 48},
	{3, 1, 160, 160, 1, 24, 24},
	{7, 2, 160, 160, 1, 3, 24},
	{7, 2, 160, 160, 1, 3, 64},
	{3, 2, 40, 40, 1, 256, 256},
	{3, 1, 40, 40, 1, 41, 41},
	{3, 1, 5, 5, 1, 256, 256},
	{1, 1, 40, 40, 1, 256, 1024},
	{1, 1, 40, 40, 1, 1024, 256},
	{1, 1, 40, 40, 1, 512, 256},
	{1, 1, 80, 80, 1, 64, 256},
	{1, 1, 80, 80, 1, 24, 96},
	{1, 1, 80, 80, 1, 256, 3},
	{1, 1, 1, 1, 1000, 1024, 2},
	{1, 1, 1, 1, 1000, 1024, 12},
	{1, 1, 1, 1, 500, 12544, 256},
}

// measure times f, of so many operations, each time between two short pieces of pure multiply-adds: the clock of a
// processor follows what runs on it and what its neighbours do. It reports the median speed and the median share of
// the peak at that clock.
func measure(b *testing.B, s *Set, operations float64, f func()) {
	const short = time.Millisecond
	n := 1000
	for start := time.Now(); ; n *= 2 {
		s.peak(n)
		if now := time.Now(); now.Sub(start) > short {
			break
		} else {
			start = now
		}
	}
	f() // touches all memory
	var speeds, shares []float64
	for b.Loop() {
		times := [4]time.Time{time.Now()}
		done := float64(s.peak(n))
		times[1] = time.Now()
		f()
		times[2] = time.Now()
		done += float64(s.peak(n))
		times[3] = time.Now()
		speed := operations / float64(times[2].Sub(times[1]).Nanoseconds())
		peak := done / float64((times[3].Sub(times[2]) + times[1].Sub(times[0])).Nanoseconds())
		speeds, shares = append(speeds, speed), append(shares, speed/peak)
	}
	slices.Sort(speeds)
	slices.Sort(shares)
	b.ReportMetric(speeds[len(speeds)/2], "GFLOP/s")
	b.ReportMetric(100*shares[len(shares)/2], "%peak")
	b.ReportMetric(0, "ns/op")
}

func BenchmarkConv(b *testing.B) {
	for _, shape := range convShapes {
		for _, s := range Sets() {
			b.Run(shape.String()+"/"+s.Name, func(b *testing.B) {
				c := shape.conv(s)
				rows := shape.h * shape.items
				measure(b, s, shape.flops(), func() { s.Conv(c, 0, rows, 0, c.W.Panels()) })
			})
		}
	}
}

func BenchmarkPeak(b *testing.B) {
	for _, s := range Sets() {
		b.Run(s.Name, func(b *testing.B) {
			best := 0.0
			for b.Loop() {
				best = max(best, s.Peak())
			}
			b.ReportMetric(best/1e9, "GFLOP/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func allocNormal(n int) []float32 {
	x := Alloc(n)
	fill(newRand(3), x, false)
	return x
}

func BenchmarkElementwise(b *testing.B) {
	const n = 4096 // floats: all slices fit the first-level cache
	x, y := allocNormal(n), allocNormal(n)
	p := [4][]float32{allocNormal(n), allocNormal(n), allocNormal(n), allocNormal(n)}
	for _, s := range Sets() {
		for name, f := range map[string]func(){
			"add":     func() { s.Add(y, x, x, None) },
			"addrelu": func() { s.Add(y, x, x, Relu) },
			"max":     func() { s.Max(y, x) },
			"sigmoid": func() { s.Activate(copyTo(y, x), Sigmoid) },
			"swish":   func() { s.Activate(copyTo(y, x), Swish) },
			"blend4":  func() { s.Blend4(y, p[0], p[1], p[2], p[3], 0.1, 0.2, 0.3, 0.4) },
		} {
			b.Run(name+"/"+s.Name, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(n*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "Gvalues/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func copyTo(dst, src []float32) []float32 {
	copy(dst, src)
	return dst
}

func BenchmarkSplit(b *testing.B) {
	s := splitSetOf(b)
	for _, shape := range convShapes {
		b.Run(shape.String(), func(b *testing.B) {
			rng := newRand(7)
			c := shape.conv(s)
			if shape.h*shape.w == 1 {
				c.Height, c.Width = 1, shape.items
			}
			w := s.PackSplit(normal(rng, shape.k*shape.k*shape.c*shape.n), shape.k, shape.k, shape.c, shape.n, normal(rng, shape.n))
			rows := shape.h * shape.items
			if shape.h*shape.w == 1 {
				rows = 1
			}
			run := func() func() {
				if shape.items >= ItemsEach && shape.k == 3 {
					plan := w.Items(shape.h, shape.w, 1, 1, shape.h, shape.w)
					scratch := Alloc(plan.Scratch())
					return func() {
						for i := 0; i+ItemsEach <= shape.items; i += ItemsEach {
							for band := range plan.Bands() {
								s.SplitItems(c, plan, i, band, 0, w.Panels(), scratch)
							}
						}
					}
				}
				scratch := Alloc(w.SplitScratch(c))
				return func() { s.Split(c, w, 0, rows, 0, w.Panels(), scratch) }
			}()
			measure(b, s, shape.flops(), run)
		})
	}
}
