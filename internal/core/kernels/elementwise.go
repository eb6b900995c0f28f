package kernels

// Add sets dst[i] = act(a[i] + b[i]). dst may be a or b.
func (s *Set) Add(dst, a, b []float32, act Activation) {
	if len(a) != len(dst) || len(b) != len(dst) {
		panic(lengths)
	}
	raceRead(a)
	raceRead(b)
	raceWrite(dst)
	const chunk = 4096 // stays in the first-level cache until it is activated
	for i := 0; i < len(dst); i += chunk {
		end := min(i+chunk, len(dst))
		s.add(dst[i:end], a[i:end], b[i:end])
		s.Activate(dst[i:end], act)
	}
}

func addGeneric(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

// Max replaces dst[i] by the larger of dst[i] and a[i], or by a NaN if there is one:
//
//	if !(dst[i] > a[i]) && dst[i] == dst[i] {
//		dst[i] = a[i]
//	}
func (s *Set) Max(dst, a []float32) {
	if len(a) != len(dst) {
		panic(lengths)
	}
	raceRead(a)
	raceWrite(dst)
	s.max(dst, a)
}

func maxGeneric(dst, a []float32) {
	for i, d := range dst {
		if !(d > a[i]) && d == d {
			dst[i] = a[i]
		}
	}
}

// Blend4 sets dst[i] = p00[i]*w00 + p01[i]*w01 + p10[i]*w10 + p11[i]*w11, from left to right: bilinear interpolation
// of the channels of four pixels. The assembly sets fuse all but the first product.
func (s *Set) Blend4(dst, p00, p01, p10, p11 []float32, w00, w01, w10, w11 float32) {
	n := len(dst)
	if len(p00) != n || len(p01) != n || len(p10) != n || len(p11) != n {
		panic(lengths)
	}
	raceRead(p00)
	raceRead(p01)
	raceRead(p10)
	raceRead(p11)
	raceWrite(dst)
	s.blend4(dst, p00, p01, p10, p11, w00, w01, w10, w11)
}

func blend4Generic(dst, p00, p01, p10, p11 []float32, w00, w01, w10, w11 float32) {
	for i := range dst {
		v := float32(p00[i] * w00)
		v += float32(p01[i] * w01)
		v += float32(p10[i] * w10)
		v += float32(p11[i] * w11)
		dst[i] = v
	}
}
