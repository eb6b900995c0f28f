package search

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
)

// The factors that section 3.1 of the paper states, of R0-SP53's N = 15 blocks and
// m = 2 stem features: (N−5)!·5! orders, ∏ C(i, 2) of i = m to N+m−1 connections,
// 4^(N−5) adjustments, 2^N types.
func TestSizeOfThePaper(t *testing.T) {
	const n, m = 15, 2
	want := new(big.Int).Mul(new(big.Int).MulRange(1, n-5), big.NewInt(120))
	for i := int64(m); i <= n+m-1; i++ {
		want.Mul(want, new(big.Int).Binomial(i, 2))
	}
	s := NamedSpace("r0_sp53")
	s.Window = 0
	require.Equal(t, want, s.Size())
	want.Lsh(want, 2*(n-5)+n)
	s = SpineNet49()
	s.Window = 0
	require.Equal(t, want, s.Size())
}

func TestPublishedTablesLieInTheirSpaces(t *testing.T) {
	for _, name := range []string{"spinenet49", "r0_sp53", "r23_sp30"} {
		b := config.Backbone{BlockTable: name}
		s := NamedSpace(name)
		require.NoError(t, s.Validate())
		choices, err := s.Encode(b.Table())
		require.NoError(t, err, name)
		table, err := s.Table(choices)
		require.NoError(t, err)
		require.Equal(t, b.Table(), table, name)
	}
}

func TestEveryDrawIsANetworkAndComesBack(t *testing.T) {
	for _, name := range Spaces() {
		s := NamedSpace(name)
		r := rand.New(rand.NewPCG(1, 2))
		c, err := config.TF2RetinaNet("49")
		require.NoError(t, err)
		band := &Band{Config: c, Side: 256}
		for range 50 {
			table, err := s.Table(draw(s, r))
			require.NoError(t, err)
			macs, err := band.MACs(table)
			require.NoError(t, err)
			require.Positive(t, macs)
			choices, err := s.Encode(table)
			require.NoError(t, err)
			back, err := s.Table(choices)
			require.NoError(t, err)
			require.Equal(t, table, back)
		}
	}
}

// reduced is a space small enough to look at whole: 1 intermediate block, 2 outputs.
func reduced() *Space {
	return &Space{Stem: []int{2, 2}, Intermediate: []int{3}, Output: []int{3, 4}, Adjust: []int{-1, 0, 1},
		Kinds: []config.BlockKind{config.BlockBottleneck, config.BlockResidual}, Window: 5}
}

// all are the tables of a space by the choices that make them.
func all(t *testing.T, s *Space) map[string][][]int {
	tables := map[string][][]int{}
	var visit func(choices []int)
	visit = func(choices []int) {
		n := s.Options(choices)
		if n == 0 {
			tables[text(t, s, choices)] = append(tables[text(t, s, choices)], slices.Clone(choices))
		}
		for i := range n {
			visit(append(choices, i))
		}
	}
	visit(nil)
	return tables
}

func text(t *testing.T, s *Space, choices []int) string {
	table, err := s.Table(choices)
	require.NoError(t, err)
	b, err := json.Marshal(table)
	require.NoError(t, err)
	return string(b)
}

// Without blocks of the same level, every table is counted once, and is drawn as often as every other: each has the same number of
// sequences, two orders of the parents of each block.
func TestWholeSpace(t *testing.T) {
	s := reduced()
	tables := all(t, s)
	require.EqualValues(t, s.Size().Int64(), len(tables))
	require.Len(t, tables, 1*2*3*8*1*3*6) // orders, adjustments, types, parents
	for _, choices := range tables {
		require.Len(t, choices, 8)
		for _, c := range choices {
			require.Equal(t, s.Canonical(choices[0]), s.Canonical(c))
		}
	}
}

// Two tables are neighbours if they differ in a single thing; so all tables can be reached from each.
func TestNeighboursReachTheWholeSpace(t *testing.T) {
	s := reduced()
	start := draw(s, rand.New(rand.NewPCG(1, 2)))
	reached := map[string]bool{text(t, s, start): true}
	for queue := [][]int{start}; len(queue) > 0; queue = queue[1:] {
		here := map[string]bool{text(t, s, queue[0]): true}
		for _, n := range s.Neighbours(queue[0]) {
			require.NoError(t, Check(s, n))
			key := text(t, s, n)
			require.False(t, here[key], "each once")
			here[key] = true
			if !reached[key] {
				reached[key] = true
				queue = append(queue, n)
			}
		}
	}
	require.EqualValues(t, s.Size().Int64(), len(reached))
}

// Of SpineNet-49: pairs of blocks that differ in level or type change places; each of two parents may be one of the n−2 other
// candidates; 10 blocks have 3 other adjustments, and 15 have another type.
func TestNeighboursOfSpineNet49(t *testing.T) {
	s := SpineNet49()
	table := (&config.Backbone{BlockTable: "spinenet49"}).Table()
	choices, err := s.Encode(table)
	require.NoError(t, err)
	pairs := 0
	for a := range table.Blocks {
		for b := range a {
			x, y := table.Blocks[a], table.Blocks[b]
			if x.Output == y.Output && (x.Level != y.Level || x.Kind != y.Kind) {
				pairs++
			}
		}
	}
	parents := 2 * (0 + 1 + 2 + 7*3 + 10 + 11 + 12 + 13 + 14)
	neighbours := s.Neighbours(choices)
	require.Len(t, neighbours, pairs+parents+10*3+15)
	seen := map[string]bool{text(t, s, choices): true}
	for _, n := range neighbours {
		require.False(t, seen[text(t, s, n)])
		seen[text(t, s, n)] = true
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		require.Contains(t, seen, text(t, s, s.Mutate(choices, r)))
	}
}

// A band refuses what costs too much or too little, and mutations keep to it.
func TestBand(t *testing.T) {
	c, err := config.TF2RetinaNet("49")
	require.NoError(t, err)
	s := SpineNet49()
	s.Band = &Band{Config: c, Side: 640}
	table := (&config.Backbone{BlockTable: "spinenet49"}).Table()
	macs, err := s.Band.MACs(table)
	require.NoError(t, err)
	require.InEpsilon(t, 85.4e9, macs, 0.002) // the paper's, table 2
	choices, err := s.Encode(table)
	require.NoError(t, err)

	for _, tt := range []struct {
		low, high int64
		want      bool
	}{{macs, macs, true}, {macs + 1, 2 * macs, false}, {0, macs - 1, false}} {
		s.Band.Min, s.Band.Max = tt.low, tt.high
		require.Equal(t, tt.want, s.Valid(choices))
	}
	s.Band.Min, s.Band.Max = macs*9/10, macs*11/10
	r := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		m := s.Mutate(choices, r)
		require.True(t, s.Valid(m))
		require.NotEqual(t, choices, m)
	}
	for range 10 {
		table, err := s.Table(NewRandom(s).Propose(r))
		require.NoError(t, err)
		got, err := s.Band.MACs(table)
		require.NoError(t, err)
		require.InEpsilon(t, macs, got, 0.1)
	}
	s.Band.Max = s.Band.Min
	require.Equal(t, choices, s.Mutate(choices, r), "nothing else lies in the band")
}

func TestTablesOutsideTheSpace(t *testing.T) {
	s := SpineNet49()
	for want, change := range map[string]func(*config.BlockTable){
		"search: stem of levels [2 3], the space has [2 2]":                            func(b *config.BlockTable) { b.Stem[1] = 3 },
		"search: 14 blocks, the space has 15":                                          func(b *config.BlockTable) { b.Blocks = b.Blocks[:14] },
		"search: block 9: parent 5, the space has 6 to 10":                             func(b *config.BlockTable) { b.Blocks[9].In[0] = 5 },
		"search: block 9: both parents are feature 8":                                  func(b *config.BlockTable) { b.Blocks[9].In[1] = 8 },
		`search: block 3: type "inverted", the space has ["bottleneck" "residual"]`:    func(b *config.BlockTable) { b.Blocks[3].Kind = config.BlockInverted },
		"search: block 9: the space has 10 intermediate blocks, then those of outputs": func(b *config.BlockTable) { b.Blocks[9].Output = true },
		"search: block 11: level 3 cannot be had of the levels [3 4 5 6 7]":            func(b *config.BlockTable) { b.Blocks[10].Level = 3 },
		"search: block 4: level 7 cannot be had of the levels [2 3 3 3 4 4 4 4 4 5]":   func(b *config.BlockTable) { b.Blocks[6].Level, b.Blocks[4].Level = 7, 7 },
	} {
		table := (&config.Backbone{BlockTable: "spinenet49"}).Table()
		table = &config.BlockTable{Stem: slices.Clone(table.Stem), Blocks: slices.Clone(table.Blocks)}
		change(table)
		_, err := s.Encode(table)
		require.EqualError(t, err, want)
	}
}

func TestChoicesThatAreNot(t *testing.T) {
	s := reduced()
	for want, choices := range map[string][]int{
		"search: 2 choices, want more":        {0, 1},
		"search: choice 1 is 2, want 0 to 1":  {0, 2},
		"search: choice 0 is -1, want 0 to 0": {-1},
		"search: 14 choices, want 13":         make([]int, 14),
	} {
		_, err := s.Table(choices)
		require.EqualError(t, err, want)
	}
}

func TestSpacesThatAreNot(t *testing.T) {
	for want, change := range map[string]func(*Space){
		"search: space: stem has 1 features, want 2 or more":                func(s *Space) { s.Stem = s.Stem[:1] },
		"search: space: no output block":                                    func(s *Space) { s.Output = nil },
		"search: space: no type of blocks":                                  func(s *Space) { s.Kinds = nil },
		"search: space: window of 1 features, want 2 or more, or 0 for all": func(s *Space) { s.Window = 1 },
		"search: space: levels do not ascend":                               func(s *Space) { s.Output = []int{4, 3} },
		"search: space: an output level stands twice":                       func(s *Space) { s.Output = []int{3, 3} },
		"search: space: no adjustment of 0":                                 func(s *Space) { s.Adjust = []int{1, 2} },
		"search: space: adjustments [0 2] are not integers in a row":        func(s *Space) { s.Adjust = []int{0, 2} },
		"search: space: level 8, want 1 to 7":                               func(s *Space) { s.Output = []int{3, 8} },
	} {
		s := reduced()
		require.NoError(t, s.Validate())
		change(s)
		require.EqualError(t, s.Validate(), want)
	}
}
