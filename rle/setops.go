package rle

// Union is the set of pixels that are foreground in any of the masks, as rleMerge: it is what COCO makes of the several
// polygons of one annotation. Masks of different sizes give the mask of 0×0 pixels, as there; one mask is its own union.
func Union(masks ...Mask) Mask {
	return fold(masks, func(a, b bool) bool { return a || b })
}

// Intersect is the set of pixels that are foreground in all of the masks. Sizes as in Union.
func Intersect(masks ...Mask) Mask {
	return fold(masks, func(a, b bool) bool { return a && b })
}

// Difference is the set of pixels that are foreground in a and not in b. Sizes as in Union.
func Difference(a, b Mask) Mask {
	return fold([]Mask{a, b}, func(a, b bool) bool { return a && !b })
}

func fold(masks []Mask, keep func(a, b bool) bool) Mask {
	if len(masks) == 0 {
		return Mask{}
	}
	m := Mask{H: masks[0].H, W: masks[0].W, Runs: append([]uint32(nil), masks[0].Runs...)}
	for _, b := range masks[1:] {
		if b.H != m.H || b.W != m.W {
			return Mask{}
		}
		m.Runs = merge(m.Runs, b.Runs, keep)
	}
	return m
}

// merge walks down both lists of runs at once. What one of them lacks is background. No run of the result is zero but
// maybe the first.
func merge(a, b []uint32, keep func(a, b bool) bool) []uint32 {
	out := make([]uint32, 0, len(a)+len(b))
	var run uint32
	set := false
	i, j := 0, 0
	var left, right uint32 // what is left of runs i-1 and j-1
	for {
		for left == 0 && i < len(a) {
			left = a[i]
			i++
		}
		for right == 0 && j < len(b) {
			right = b[j]
			j++
		}
		n := min(left, right)
		if left == 0 || right == 0 {
			if n = max(left, right); n == 0 {
				return append(out, run)
			}
		}
		inA, inB := left > 0 && i%2 == 0, right > 0 && j%2 == 0
		if keep(inA, inB) != set {
			out = append(out, run)
			run, set = 0, !set
		}
		run += n
		left -= min(n, left)
		right -= min(n, right)
	}
}
