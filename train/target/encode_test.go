package target

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/box"
	"github.com/spinemask/spinemask/internal/testkit/testutil"
)

// What the other systems' networks learn to give for a box (testdata/README.md). They
// compute centres and sides in float32: a unit in the last place of a corner, in sides of
// the base, is what a delta may differ by.
func TestEncodingsEqualTheOtherSystems(t *testing.T) {
	golden := testutil.Load(t, "testdata/foreign.safetensors")
	corners := func(name string) (list []box.Box) {
		for d := golden.Get(t, name).Data; len(d) > 0; d = d[4:] {
			list = append(list, box.Box{X1: d[0], Y1: d[1], X2: d[2], Y2: d[3]})
		}
		return list
	}
	base, truth := corners("base"), corners("gt")
	for _, kind := range []struct {
		name    string
		weights [4]float32
	}{{"anchors", AnchorWeights}, {"regions", RegionWeights}} {
		for system, encode := range map[string]Encoding{
			"torchvision": Garden(kind.weights), "detectron2": Garden(kind.weights), "mmdet3": Garden(kind.weights), "mmdet1": PlusOne(kind.weights),
		} {
			want := golden.Get(t, system+"."+kind.name).Data
			for i := range base {
				d, w := encode(truth[i], base[i]), want[4*i:]
				unit := 0x1p-23 * float64(max(base[i].X2, base[i].Y2)) / float64(min(base[i].X2-base[i].X1, base[i].Y2-base[i].Y1))
				for k, v := range [4]float32{d[1], d[0], d[3], d[2]} {
					require.InDelta(t, w[k], v, 1e-6+unit*float64(kind.weights[k]), "%s %s: box %d, delta %d", system, kind.name, i, k)
				}
			}
		}
	}
}
