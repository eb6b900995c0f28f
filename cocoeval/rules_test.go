package cocoeval

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/coco"
)

// The rules of pycocotools, numbered as in the notes that this package was written from, and the test that fails when
// the line that implements it is broken. Each was broken by hand in the ways named here. TestRules' cases are the outcome of
// the original systems; many rules are held by other tests too.
//
//	S1  IoU thresholds                        TestRules/S1_…          grid of .5 + i*.05
//	S2  recall thresholds                     TestRules/S2_…          grid of i/100
//	S3  2^-52 in the divisor                  TestRules/S3_…          left out
//	S4  precision falls                       TestRules/S4_…          maximum not carried to the left
//	S5  -1 without annotations, else 0        TestRules/S5_…          0 for -1; -1 for 0
//	S6  numpy's sums                          TestPairwiseSum…        in order; one rule for the other
//	S7  products are rounded before sums      TestRules/S7_…          fused, on GOAMD64=v3: union of boxes; keypoints
//	S8  ids ascend                            TestRules/S8_…          file order
//	S9  equal scores, NaN                     TestRules/S9_…          unstable; images in file order; NaN first. Images added
//	                                                                  in another order: TestImagesMayCome…
//	S10 order of joined categories            TestRules/S10_…         file order
//	S11 maxDets                               TestRules/S11_…         one more
//	S12 IoU == threshold                      TestRules/S12_…         must be above; without 1-1e-10
//	S13 equal IoUs                            TestRules/S13_…         the first wins
//	S14 counted before ignored                TestRules/S14_…         the best IoU wins
//	S15 crowds                                TestRules/S15_…         taken once; others twice
//	S16 area ranges                           TestRules/S16_…         half open; unmatched ones wrong; matched ones ignored
//	S17 the field area                        TestRules/S17_…         width·height
//	S18 ignore and iscrowd                    TestRules/S18_…         ignore heeded; crowds counted
//	S19 id 0                                  TestRules/S19_…         matched
//	S20 ids twice                             TestRules/S20_…         as they are
//	S21 areas of results                      TestRules/S21_…         of masks; each by its own fields
//	S22 boxes as masks, masks as boxes        TestRules/S22_…         no mask; no box
//	S23 what is refused                       TestOddInputs
//	S24 polygons, sizes                       TestRules/S24_…         only the first polygon; sizes not compared
//	S25 what the lines show                   TestRules/S25_…         the highest maxDets; not the third of more; one area
//	                                                                  range of a label
//	S26 keypoints                             TestRules/S26_…         matched without categories; all keypoints; counted;
//	                                                                  without 2^-52
//	S27 IoU of boxes                          TestRules/S27_…         +1; union for crowds
//	S28 IoU of masks                          TestRules/S28_…         union for crowds
//	S29 boxes as they are                     TestRules/S29_…         cut to the image
//	S30 … S34 are those of package rle; S7 there is TestPolygonProductsAreRounded.
//	LVIS                                      TestRules/LVIS_…        no limit of detections an image, or 299 or 301; absent
//	                                                                  and partly annotated categories; detections without
//	                                                                  area; crowds
//	boundary IoU                              TestRules/boundary_…    crowds by boundaries too; the larger IoU; ignore

// rule is a case of testdata/rules/cases.json.
type rule struct {
	Rule, What string
	randomPair
}

func TestRules(t *testing.T) {
	var cases []json.RawMessage
	readJSON(t, "testdata/rules/cases.json", &cases)
	for _, c := range cases {
		var x rule
		require.NoError(t, json.Unmarshal(c, &x))
		require.NoError(t, json.Unmarshal(c, &x.randomPair))
		t.Run(x.Rule+" "+x.What, func(t *testing.T) {
			if x.DT[0] == '"' { // with NaN, which JSON does not have
				var text string
				require.NoError(t, json.Unmarshal(x.DT, &text))
				x.DT = []byte(text)
			}
			p := x.params(t)
			d, err := coco.ParseDataset(x.GT, "gt", p.IoU.Fields())
			require.NoError(t, err)
			r, err := coco.ParseResults(x.DT, "dt", p.IoU.Fields())
			require.NoError(t, err)
			e, err := Evaluate(d, r, p)
			require.NoError(t, err)
			require.Equal(t, floats(t, x.Hex), values(e.Stats()))
		})
	}
}

func TestPairwiseSumsAreNumpys(t *testing.T) {
	for _, c := range numpySums {
		v := make([]float64, c.n)
		for i := range v {
			v[i] = math.Sqrt(float64(i))
		}
		require.Equal(t, c.numpy2, mean(v, Numpy2), "n = %d", c.n)
		require.Equal(t, c.numpy1, mean(v, Numpy1_24), "n = %d", c.n)
	}
}

// numpySums are numpy.mean(numpy.sqrt(numpy.arange(n))) by numpy 2.4.6 and 1.24.2.
var numpySums = []struct {
	n              int
	numpy2, numpy1 float64
}{
	{1, 0x0.0p+0, 0x0.0p+0},
	{7, 0x1.8c229cfba8772p+0, 0x1.8c229cfba8772p+0},
	{8, 0x1.af4848037f4bfp+0, 0x1.af4848037f4bfp+0},
	{9, 0x1.cfd0ac1a3589ep+0, 0x1.cfd0ac1a3589ep+0},
	{127, 0x1.dde2f001ed803p+2, 0x1.dde2f001ed803p+2},
	{128, 0x1.dfc9a6bd0465bp+2, 0x1.dfc9a6bd0465bp+2},
	{129, 0x1.e1ae7173bcbb3p+2, 0x1.e1ae7173bcbb3p+2},
	{136, 0x1.eebc040e1f935p+2, 0x1.eebc040e1f935p+2},
	{1000, 0x1.510da7052382ep+4, 0x1.510da7052382ep+4},
	{8191, 0x1.e2a4f52e0b5f9p+5, 0x1.e2a4f52e0b5f9p+5},
	{8192, 0x1.e2ac804a453fdp+5, 0x1.e2ac804a453fdp+5},
	{8193, 0x1.e2b40b48517c8p+5, 0x1.e2b40b48517c8p+5},
	{16385, 0x1.5553fcb3375c3p+6, 0x1.5553fcb3375c3p+6},
	{100001, 0x1.a5a2ce7a9c615p+7, 0x1.a5a2ce7a9c614p+7},
}
