package tabular

import (
	"math"
	"math/rand/v2"
)

const (
	side  = 32 // of a picture, pixels
	kinds = 4  // classes of the objects of each size
)

// squares are the least and the most half side of the objects of each size, in pixels, and how many of them a picture has.
var squares = [Sizes]struct {
	half  [2]float64
	count int
}{{[2]float64{1.25, 2}, 8}, {[2]float64{3, 4.5}, 2}, {[2]float64{7.5, 10.5}, 1}}

// A picture has squares of three sizes on noise. Half of a square's class is in itself: small ones are light or dark, the others striped across or along. The
// other half is in objects of another size: a small or a middle one lies on the large one or beside it, the large one has a middle one on it or has not. So each
// level wants fine and coarse maps.
type picture struct {
	pixels  []float32 // side×side×3, from 0 to 1 but for the noise
	objects []object
}

// object is asked for at the cell of its centre, on the map of its size.
type object struct{ size, y, x, class int }

// square is an object before its class is known, in pixels.
type square struct {
	y, x, half float64
	own        int // 0 or 1
}

// holds says whether the centre of another square lies on the square.
func (s square) holds(c square) bool {
	return math.Abs(c.y-s.y) < s.half && math.Abs(c.x-s.x) < s.half
}

// draw makes a picture: the large square first, which the others may cover.
func draw(r *rand.Rand) *picture {
	p := &picture{pixels: make([]float32, side*side*3)}
	ground := color(r, 0.3, 0.7)
	for i := range p.pixels {
		p.pixels[i] = ground[i%3] + float32(0.1*(float32(r.Float32())-0.5))
	}
	var all [Sizes][]square
	for size := Sizes - 1; size >= 0; size-- {
		of := squares[size]
		for range of.count {
			half := of.half[0] + float64((of.half[1]-of.half[0])*r.Float64())
			center := func() float64 { return half + float64((side-float64(2*half))*r.Float64()) }
			s := square{center(), center(), half, r.IntN(2)}
			light, dark := color(r, 0.6, 1), color(r, 0, 0.4)
			p.fill(s, func(y, x int) [3]float32 {
				band := s.own
				if size > 0 { // stripes of two pixels
					band = [2]int{y / 2, x / 2}[s.own] % 2
				}
				return [2][3]float32{light, dark}[band]
			})
			all[size] = append(all[size], s)
		}
	}
	large := all[Sizes-1][0]
	for size, list := range all {
		cell := float64(int(1) << (firstLevel + size))
		for _, s := range list {
			with := large.holds(s)
			if size == Sizes-1 {
				with = false
				for _, m := range all[1] {
					with = with || large.holds(m)
				}
			}
			class := s.own
			if with {
				class += 2
			}
			p.objects = append(p.objects, object{size, int(s.y / cell), int(s.x / cell), class})
		}
	}
	return p
}

func color(r *rand.Rand, low, high float32) (c [3]float32) {
	for i := range c {
		c[i] = low + float32((high-low)*r.Float32())
	}
	return c
}

// fill colours the pixels of a square.
func (p *picture) fill(s square, color func(y, x int) [3]float32) {
	first := func(v float64) int { return int(v - s.half + 0.5) }
	end := func(v float64) int { return min(int(v+s.half+0.5), side) }
	for y := first(s.y); y < end(s.y); y++ {
		for x := first(s.x); x < end(s.x); x++ {
			c := color(y, x)
			copy(p.pixels[3*(y*side+x):], c[:])
		}
	}
}
