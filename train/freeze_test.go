package train

import (
	"context"
	"image"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/weights"
)

// started begins with a model file on two classes that it does not know.
func started(t *testing.T, model string) (*Start, *dataset.Set, func(*dataset.Image) (image.Image, error)) {
	f, err := weights.Open(model)
	require.NoError(t, err)
	defer f.Close()
	c, _, err := f.Config(weights.Options{})
	require.NoError(t, err)
	set, read := blobs()
	start, err := From(c, f, c, set, 1)
	require.NoError(t, err)
	return start, set, read
}

// What is frozen keeps its bytes, everything else moves, for networks of every kind that
// has heads.
func TestFrozenPartsKeepTheirWeights(t *testing.T) {
	for _, freeze := range []Freeze{FreezeNothing, FreezeStem, FreezeBackbone} {
		for _, model := range []string{"../models/nuclei/nuclei.safetensors", "../testdata/mmdet_tiny/tiny.pth"} {
			start, set, read := started(t, model)
			r := small(1)
			r.Average, r.Norms.Frozen, r.Freeze, r.Rate = 0, true, freeze, Rate{Value: 0.01}
			tr, err := New(start.Config, start, set, r, &Options{Read: read})
			require.NoError(t, err)
			require.NoError(t, tr.Run(context.Background(), nil))
			for _, p := range tr.params.List {
				frozen := strings.Contains(p.Name, "/norm") ||
					freeze == FreezeStem && strings.HasPrefix(p.Name, "backbone/stem/") ||
					freeze == FreezeBackbone && strings.HasPrefix(p.Name, "backbone/")
				if frozen || strings.HasSuffix(p.Name, "/kernel") { // biases in front of norms have no gradient
					require.Equal(t, frozen, equal(start.Weights[p.Name], p.Value), "%s %s: %s", freeze, model, p.Name)
				}
			}
		}
	}
}

// Norms of a frozen part keep their statistics where the others learn theirs.
func TestFrozenPartsKeepTheirStatistics(t *testing.T) {
	start, set, read := started(t, "../models/nuclei/nuclei.safetensors")
	r := small(1)
	r.Average, r.Freeze, r.Rate = 0, FreezeBackbone, Rate{Value: 0.01}
	require.False(t, r.Norms.Frozen)
	tr, err := New(start.Config, start, set, r, &Options{Read: read})
	require.NoError(t, err)
	require.NoError(t, tr.Run(context.Background(), nil))
	statistics := map[bool]int{}
	for _, p := range tr.params.List {
		if frozen := strings.HasPrefix(p.Name, "backbone/"); frozen || p.Statistic {
			require.Equal(t, frozen, equal(start.Weights[p.Name], p.Value), p.Name)
			statistics[frozen]++
		}
	}
	require.Greater(t, statistics[true], 100)
	require.Greater(t, statistics[false], 10)
}

func equal(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// With frozen statistics norms keep their scale and shift, unless the recipe trains them.
func TestAffineTrainsScaleAndShiftOfFrozenNorms(t *testing.T) {
	f, err := weights.Open("../models/nuclei/nuclei.safetensors")
	require.NoError(t, err)
	defer f.Close()
	for _, affine := range []bool{false, true} {
		r := small(1)
		r.Average, r.Norms, r.Rate = 0, Norms{Frozen: true, Affine: affine}, Rate{Value: 0.01}
		tr := trainer(t, r, 0)
		require.NoError(t, tr.Run(context.Background(), nil))
		moved, arrays := 0, 0
		for _, p := range tr.params.List {
			if !strings.Contains(p.Name, "/norm") {
				continue
			}
			was, err := fileArrays{f}.Float32(p.Name)
			require.NoError(t, err)
			if affine && !p.Statistic {
				arrays++
				if !equal(was, p.Value) {
					moved++
				}
				continue
			}
			require.True(t, equal(was, p.Value), p.Name)
		}
		require.GreaterOrEqual(t, 2*moved, arrays) // nothing comes back through some of the smallest maps
	}
}

// What is made anew is trained though everything of its kind is frozen, after a stop too.
func TestWhatIsMadeAnewIsNotFrozen(t *testing.T) {
	start, set, read := started(t, "../models/nuclei/nuclei.safetensors")
	const name = "backbone/endpoint3/norm/gamma"
	require.Contains(t, start.Weights, name)
	start.New = append(start.New, name)
	r := small(2)
	r.Average, r.Norms.Frozen, r.Freeze, r.Rate = 0, true, FreezeBackbone, Rate{Value: 0.01}
	tr, err := New(start.Config, start, set, r, &Options{Read: read})
	require.NoError(t, err)
	moves := func() {
		before := slices.Clone(tr.params.Get(name).Value)
		_, err := tr.Step(context.Background())
		require.NoError(t, err)
		require.False(t, equal(before, tr.params.Get(name).Value))
		require.True(t, equal(start.Weights["backbone/endpoint4/norm/gamma"], tr.params.Get("backbone/endpoint4/norm/gamma").Value))
	}
	moves()
	state := filepath.Join(t.TempDir(), "state")
	file, err := os.Create(state)
	require.NoError(t, err)
	require.NoError(t, tr.WriteState(file, nil))
	require.NoError(t, file.Close())
	tr, _, err = Resume(state, set, &Options{Read: read})
	require.NoError(t, err)
	moves()
}
