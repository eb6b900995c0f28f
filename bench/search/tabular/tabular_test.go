package tabular

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
)

const file = "testdata/world.tsv.gz"

// The tables are those of the space, each once.
func TestTables(t *testing.T) {
	s := Space()
	require.NoError(t, s.Validate())
	names := map[string]bool{}
	for _, table := range Tables() {
		choices, err := s.Encode(table)
		require.NoError(t, err)
		again, err := s.Table(choices)
		require.NoError(t, err)
		require.Equal(t, table, again)
		names[name(table)] = true
	}
	require.Equal(t, s.Size().Int64(), int64(len(names)))
	require.Len(t, Tables(), len(names))
}

// Two tables have one key if and only if package backbone makes the same network of them.
func TestKeyIsTheNetwork(t *testing.T) {
	keys, graphs := map[string]uint64{}, map[uint64]string{}
	for _, table := range Tables() {
		key, made := Key(table), outputsOf(t, table)
		if g, ok := keys[key]; ok {
			require.Equal(t, g, made, "%v", table)
		}
		if k, ok := graphs[made]; ok {
			require.Equal(t, k, key, "%v", table)
		}
		keys[key], graphs[made] = made, key
	}
	require.Len(t, Networks(), len(keys))
}

// outputsOf is a hash of the nodes that the outputs of a network are computed from, whatever their names and the order of sums: of each what it is made of, and
// of what that which is made of it is made.
func outputsOf(t *testing.T, table *config.BlockTable) uint64 {
	g, err := network(table)
	require.NoError(t, err)
	hash := func(op string, of []uint64) uint64 {
		slices.Sort(of)
		h := fnv.New64a()
		fmt.Fprint(h, op, of)
		return h.Sum64()
	}
	nodes := g.Nodes()
	made, used := make([]uint64, len(nodes)), make([][]uint64, len(nodes))
	for i, n := range nodes {
		var in []uint64
		for _, v := range n.In {
			in = append(in, made[v])
		}
		made[i] = hash(n.Op.String(), in)
	}
	for _, o := range g.Outputs() {
		used[o.Value] = []uint64{hash(o.Name, nil)}
	}
	var all []uint64
	for i := len(nodes) - 1; i >= 0; i-- {
		if len(used[i]) == 0 {
			continue // no output needs it
		}
		node := hash(fmt.Sprint(made[i]), used[i])
		all = append(all, node)
		for _, v := range nodes[i].In {
			used[v] = append(used[v], node)
		}
	}
	return hash("network", all)
}

// The file has the scores of every network, and all tables of the space are one of them.
func TestWorldIsComplete(t *testing.T) {
	w, err := Open(file)
	require.NoError(t, err)
	networks := Networks()
	require.Len(t, w.Scores, len(networks))
	of := make([]int, len(networks))
	for _, table := range Tables() {
		n := w.Network(table)
		require.Equal(t, Key(networks[n]), Key(table))
		of[n]++
	}
	require.NotContains(t, of, 0)
	for i, s := range w.Scores {
		for _, v := range s {
			require.Less(t, v, 0., "network %d", i)
			require.Greater(t, v, -1.5, "network %d", i) // −ln 4 is chance
		}
	}
}

// Networks trained anew have the scores of the file.
func TestRetrained(t *testing.T) {
	w, err := Open(file)
	require.NoError(t, err)
	networks := Networks()
	r := rand.New(rand.NewPCG(1, 1))
	trainers := [len(Seeds)]*Trainer{NewTrainer(Seeds[0]), NewTrainer(Seeds[1])}
	for range 3 {
		i := r.IntN(len(networks))
		var scores [len(Seeds)]float64
		for s, trainer := range trainers {
			var err error
			scores[s], err = trainer.Score(networks[i])
			require.NoError(t, err)
		}
		require.Equal(t, Line(networks[i], w.Scores[i]), Line(networks[i], scores))
	}
}

// By hand: of ten pairs two are in another order; with two equal, of nine and ten.
func TestRankCorrelations(t *testing.T) {
	a, b := []float64{1, 2, 3, 4, 5}, []float64{20, 10, 40, 30, 50}
	require.InDelta(t, 1-6*4./120, Spearman(a, b), 1e-12)
	require.InDelta(t, (8-2)/10., Kendall(a, b), 1e-12)
	a[0] = 2
	require.InDelta(t, (8-1)/math.Sqrt(9*10), Kendall(a, b), 1e-12)
	require.Equal(t, []float64{1.5, 1.5, 3, 4, 5}, ranks(a))
}
