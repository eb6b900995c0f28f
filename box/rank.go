package box

import (
	"math"
	"slices"
)

// Rank is a score and an index in one number. A smaller rank has a higher score or, at equal scores, a smaller index: the order of tf.nn.top_k
// and of a stable sort by falling score.
type Rank uint64

// NewRank ranks score at index. NaN ranks below every number.
func NewRank(score float32, index int) Rank {
	bits := math.Float32bits(score)
	switch {
	case score != score:
		bits = 0
	case bits>>31 == 0:
		bits |= 1 << 31
	default:
		bits = ^bits
	}
	return Rank(^bits)<<32 | Rank(uint32(index))
}

// Score is the score that was ranked; NaN where that was not a number.
func (r Rank) Score() float32 {
	bits := ^uint32(r >> 32)
	switch {
	case bits == 0:
		return float32(math.NaN())
	case bits>>31 != 0:
		return math.Float32frombits(bits &^ (1 << 31))
	}
	return math.Float32frombits(^bits)
}

// Index is the index that was ranked.
func (r Rank) Index() int { return int(uint32(r)) }

// Best sorts the k best of ranks to the front and returns them; it returns all when there are fewer. Ranks must differ.
func Best(ranks []Rank, k int) []Rank {
	if k < len(ranks) {
		Partition(ranks, k)
		ranks = ranks[:k]
	}
	slices.Sort(ranks)
	return ranks
}

// Partition moves the k best of ranks to the front, in any order (quickselect, median of three). Ranks must differ, and be at least k.
func Partition(r []Rank, k int) {
	lo, hi := 0, len(r)-1
	for lo < hi {
		pivot := median(r[lo], r[lo+(hi-lo)/2], r[hi])
		i, j := lo, hi
		for i <= j {
			for r[i] < pivot {
				i++
			}
			for r[j] > pivot {
				j--
			}
			if i <= j {
				r[i], r[j] = r[j], r[i]
				i++
				j--
			}
		}
		switch { // r[lo:j+1] ≤ pivot ≤ r[i:hi+1]
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return
		}
	}
}

func median(a, b, c Rank) Rank { return max(min(a, b), min(max(a, b), c)) }
