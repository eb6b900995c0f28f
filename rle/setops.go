package rle

// Union is the set of pixels that are foreground in any of the masks, as rleMerge: it is what COCO makes of the several
// polygons of one annotation. Masks of different sizes give the mask of 0×0 pixels, as there; one mask is its own union.
func Union(masks ...Mask) Mask { return fold(masks, union) }

// Intersect is the set of pixels that are foreground in all of the masks. Sizes as in Union.
func Intersect(masks ...Mask) Mask { return fold(masks, intersection) }

// Difference is the set of pixels that are foreground in a and not in b. Sizes as in Union.
func Difference(a, b Mask) Mask { return fold([]Mask{a, b}, difference) }

// operation is a truth table: bit 2a+b tells whether a pixel is foreground in the result.
type operation uint

const (
	union        operation = 1<<1 | 1<<2 | 1<<3
	intersection operation = 1 << 3
	difference   operation = 1 << 2
)

func fold(masks []Mask, op operation) Mask {
	if len(masks) == 0 {
		return Mask{}
	}
	first := masks[0]
	runs, owned := first.Runs, false
	for _, b := range masks[1:] {
		if b.H != first.H || b.W != first.W {
			return Mask{}
		}
		runs, owned = op.appendTo(nil, runs, b.Runs), true
	}
	if !owned {
		runs = append([]uint32(nil), runs...)
	}
	return Mask{H: first.H, W: first.W, Runs: runs}
}

// appendTo walks down two lists of runs at once and appends the result to dst. Where one list ends before the other it
// goes on as background. No run of the result is zero but maybe the first.
func (op operation) appendTo(dst, a, b []uint32) []uint32 {
	var run, left, right uint32 // of the result, and what is left of runs i-1 and j-1
	i, j := 0, 0
	set := operation(0)
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
		row := operation(i-1)&1<<1 | operation(j-1)&1
		if n == 0 { // one is at its end
			if n = max(left, right); n == 0 {
				return append(dst, run)
			}
			if left == 0 {
				row &^= 2
			} else {
				row &^= 1
			}
			left, right = n, n
		}
		if op>>row&1 != set {
			dst = append(dst, run)
			run, set = 0, 1-set
		}
		run += n
		left -= n
		right -= n
	}
}
