package kernels

// Outer is a sum of outer products: that of the gradient of a convolution's kernel.
//
//	for c, n {
//		sum := 0
//		for y := range Rows {
//			for x := range Pixels {
//				sum += In[y*InRow + x*InPixel + c] * Grad[y*GradRow + x*GradPixel + n]
//			}
//		}
//		Out[c*N + n] = sum                      // += with Add
//	}
//
// c is below C, n below N. Distances are in floats. Out must not overlap the others.
type Outer struct {
	In                 []float32
	InRow, InPixel     int
	Grad               []float32
	GradRow, GradPixel int
	Rows, Pixels       int
	Out                []float32
	C, N               int
	Add                bool

	// NextIn and NextGrad, if not nil, are what the next sum reads. They are fetched into the second-level cache
	// meanwhile: each group reads a few lines of every pixel, which the processor's own prefetching does not follow.
	NextIn, NextGrad []float32
}

// An outerFunc does it for the channels c that it was made for and up to one or two
// vectors of n, whose sums stay in registers. Distances are in bytes; of the last
// vector only lanes are read and written. Every pixel it fetches the two lines at next,
// which then moves on.
type outerFunc func(in *float32, inPixel, inRow int, grad *float32, gradPixel, gradRow, rows, pixels int, out *float32, outStep, lanes, add int, next *float32, nextStep int)

// OuterGroups is the number of groups that c channels are cut into, the unit in
// which Outer splits its work.
func (s *Set) OuterGroups(c int) int {
	if s.outers[1] == nil {
		return 1
	}
	return ceil(c, len(s.outers[1]))
}

// Outer computes the groups group0 … group1−1 of channels. Results do not depend on
// how work is split; avx2, avx512 and neon give the same bits.
func (s *Set) Outer(o *Outer, group0, group1 int) {
	o.check()
	groups := s.OuterGroups(o.C)
	for g := group0; g < group1; g++ {
		c0, c1 := g*o.C/groups, (g+1)*o.C/groups
		raceOuter(o, c0, c1)
		if s.outers[1] == nil {
			o.generic(c0, c1)
			continue
		}
		for n := 0; n < o.N; {
			vectors := 2
			if o.N-n <= s.lanes {
				vectors = 1
			}
			width := min(o.N-n, vectors*s.lanes)
			i := (g-group0)*ceil(o.N, 2*s.lanes) + n/(2*s.lanes)
			next, step := o.fetch(i, (group1-group0)*ceil(o.N, 2*s.lanes))
			s.outers[vectors-1][c1-c0-1](&o.In[c0], 4*o.InPixel, 4*o.InRow, &o.Grad[n], 4*o.GradPixel, 4*o.GradRow, o.Rows, o.Pixels,
				&o.Out[c0*o.N+n], 4*o.N, width-(vectors-1)*s.lanes, index(o.Add), next, step)
			n += width
		}
	}
}

// fetch is where call i of n begins to fetch, and how many bytes it does for each pixel.
func (o *Outer) fetch(i, n int) (*float32, int) {
	at := (len(o.NextIn) + len(o.NextGrad)) * i / n
	from := o.NextIn
	if at >= len(o.NextIn) {
		at, from = at-len(o.NextIn), o.NextGrad
	}
	if len(from) == 0 {
		return &o.In[0], 0
	}
	return &from[at], min(ceil(4*(len(o.NextIn)+len(o.NextGrad)), n*o.Rows*o.Pixels), 2*lineBytes)
}

func (o *Outer) check() {
	if min(o.Rows, o.Pixels, o.C, o.N) < 1 {
		panic(badShape)
	}
	if min(o.InRow, o.InPixel, o.GradRow, o.GradPixel) < 0 {
		panic(badStride)
	}
	if len(o.In) < (o.Rows-1)*o.InRow+(o.Pixels-1)*o.InPixel+o.C {
		panic(shortIn)
	}
	if len(o.Grad) < (o.Rows-1)*o.GradRow+(o.Pixels-1)*o.GradPixel+o.N {
		panic(shortGrad)
	}
	if len(o.Out) < o.C*o.N {
		panic(shortOut)
	}
}

func (o *Outer) generic(c0, c1 int) {
	for c := c0; c < c1; c++ {
		for n := range o.N {
			sum := float32(0)
			for y := range o.Rows {
				for x := range o.Pixels {
					sum += float32(o.In[y*o.InRow+x*o.InPixel+c] * o.Grad[y*o.GradRow+x*o.GradPixel+n])
				}
			}
			if o.Add {
				sum += o.Out[c*o.N+n]
			}
			o.Out[c*o.N+n] = sum
		}
	}
}
