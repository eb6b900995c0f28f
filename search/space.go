package search

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/spinemask/spinemask/config"
)

// Space is the search space of the paper (section 3.1) as data: the stem is fixed,
// the order of the intermediate blocks and that of the output blocks after them,
// two parents of each block, an adjustment of the levels of intermediate blocks,
// and the type of all blocks are searched. It is a [Problem].
//
// The decisions are: which of the blocks left comes next, for all places, as the
// paper determines the order before the rest; then for every block its adjustment,
// its type and its parents, one after the other. A decision that is the same in the
// whole space is left out: of adjustments or types if there is only one.
type Space struct {
	Stem         []int              `json:"stem"`             // levels of the stem's features, as in config.BlockTable
	Intermediate []int              `json:"intermediate"`     // levels of the intermediate blocks before adjustment, ascending
	Output       []int              `json:"output"`           // levels of the output blocks, ascending; each once
	Adjust       []int              `json:"adjust,omitempty"` // what is added to an intermediate level: integers in a row, 0 among them; none: 0
	Kinds        []config.BlockKind `json:"kinds"`            // types of a block
	Window       int                `json:"window,omitempty"` // intermediate blocks choose among so many features built last; 0: among all
	Band         *Band              `json:"-"`                // limits of the cost, nil: none
}

// Band are limits of the multiply-adds of a network.
type Band struct {
	Config   *config.Config // the network but for its block table
	Side     int            // of a square input, pixels
	Min, Max int64          // multiply-adds of the backbone and, of a detector, the dense head
}

// levels are those that blocks can have: a level outside is not an option of an adjustment.
const minLevel, maxLevel = 1, 7

// Validate says what is wrong with the data of a space.
func (s *Space) Validate() error {
	switch {
	case len(s.Stem) < 2:
		return fmt.Errorf("search: space: stem has %d features, want 2 or more", len(s.Stem))
	case len(s.Output) == 0:
		return fmt.Errorf("search: space: no output block")
	case len(s.Kinds) == 0:
		return fmt.Errorf("search: space: no type of blocks")
	case s.Window < 0 || s.Window == 1:
		return fmt.Errorf("search: space: window of %d features, want 2 or more, or 0 for all", s.Window)
	case !slices.IsSorted(s.Intermediate) || !slices.IsSorted(s.Output):
		return fmt.Errorf("search: space: levels do not ascend")
	case len(slices.Compact(slices.Clone(s.Output))) < len(s.Output):
		return fmt.Errorf("search: space: an output level stands twice")
	case len(s.Adjust) > 0 && !slices.Contains(s.Adjust, 0):
		return fmt.Errorf("search: space: no adjustment of 0")
	}
	for _, l := range slices.Concat(s.Stem, s.Intermediate, s.Output) {
		if l < minLevel || l > maxLevel {
			return fmt.Errorf("search: space: level %d, want %d to %d", l, minLevel, maxLevel)
		}
	}
	for i, a := range s.Adjust {
		if a != s.Adjust[0]+i {
			return fmt.Errorf("search: space: adjustments %v are not integers in a row", s.Adjust)
		}
	}
	return nil
}

func (s *Space) blocks() int         { return len(s.Intermediate) + len(s.Output) }
func (s *Space) isOutput(b int) bool { return b >= len(s.Intermediate) }

// parents are the candidates of a block's parents: features first to first+n-1.
func (s *Space) parents(b int) (first, n int) {
	n = len(s.Stem) + b
	if s.Window > 0 && !s.isOutput(b) {
		n = min(n, s.Window)
	}
	return len(s.Stem) + b - n, n
}

// adjustments are the indices of Adjust, from low to below high, which leave a block of a level with a level.
func (s *Space) adjustments(level int) (low, high int) {
	high = len(s.Adjust)
	for low < high && level+s.Adjust[low] < minLevel {
		low++
	}
	for high > low && level+s.Adjust[high-1] > maxLevel {
		high--
	}
	return low, high
}

// Size is the number of architectures of the space as the paper counts them: blocks
// of the same level are told apart, and so are an adjusted level and the same level
// of a block that has it anyway; the two parents of a block are a set. The band is
// not looked at.
func (s *Space) Size() *big.Int {
	size := big.NewInt(1)
	times := func(n int64) { size.Mul(size, big.NewInt(n)) }
	for i := range s.Intermediate {
		times(int64(i + 1))
	}
	for i := range s.Output {
		times(int64(i + 1))
	}
	for b := range s.blocks() {
		_, n := s.parents(b)
		times(int64(n * (n - 1) / 2))
		times(int64(len(s.Kinds)))
	}
	for _, level := range s.Intermediate {
		if len(s.Adjust) > 1 {
			low, high := s.adjustments(level)
			times(int64(high - low))
		}
	}
	return size
}

// Valid says whether the multiply-adds of complete choices lie in the band.
func (s *Space) Valid(choices []int) bool {
	if s.Band == nil {
		return true
	}
	t, err := s.Table(choices)
	if err != nil {
		return false
	}
	macs, err := s.Band.MACs(t)
	return err == nil && macs >= s.Band.Min && macs <= s.Band.Max
}
