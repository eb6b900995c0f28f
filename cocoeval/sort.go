package cocoeval

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// scored is a detection's place in a list and a key that orders by descending score.
type scored struct {
	key uint64
	at  int32
}

// scoreKey is small for high scores; 0 and -0 are equal, and NaN, of any kind, is the last.
func scoreKey(score float64) uint64 {
	if score != score {
		return math.MaxUint64
	}
	b := math.Float64bits(score + 0) // -0 + 0 is 0
	if b>>63 != 0 {
		return b // a negative number: the larger its bits, the smaller it is
	}
	return ^b &^ (1 << 63)
}

// sortScores orders by key, equal keys in the order of their places, which must ascend. room is of the same length.
func sortScores(list, room []scored) []scored {
	if len(list) < 256 {
		slices.SortFunc(list, func(a, b scored) int {
			if a.key != b.key {
				return cmp.Compare(a.key, b.key)
			}
			return int(a.at - b.at)
		})
		return list
	}
	// Radix sort from the lowest bit that differs to the highest: scores that were float32 differ in half of theirs.
	or, and := uint64(0), ^uint64(0)
	for i := range list {
		or |= list[i].key
		and &= list[i].key
	}
	width := 8
	if len(list) >= 4096 {
		width = 11
	}
	varying := or &^ and
	for low := bits.TrailingZeros64(varying); low < bits.Len64(varying); low += width {
		var count [1 << 11]int32
		mask := uint64(1)<<width - 1
		for i := range list {
			count[list[i].key>>low&mask]++
		}
		at := int32(0)
		for v := range mask + 1 {
			count[v], at = at, at+count[v]
		}
		for i := range list {
			v := list[i].key >> low & mask
			room[count[v]] = list[i]
			count[v]++
		}
		list, room = room, list
	}
	return list
}
