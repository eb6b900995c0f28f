package search

import (
	"math/big"
	"math/rand/v2"
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
