package rle

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rules of pycocotools' masks, numbered as in the tests of package cocoeval, and the tests that fail when the line that
// implements a rule is broken; each was broken by hand in the ways named here.
//
//	S7  products are rounded before sums  TestPolygonProductsAreRounded  fused, on GOAMD64=v3
//	S24 sizes differ: IoU -1              TestIoUGolden                  0
//	S28 IoU where boxes meet; crowds      TestIoUOfOddRuns               everywhere; TestSetOperations: union for crowds
//	S30 strings                           TestStringAreaBoundsGolden     differences from the third run on; no sign; 31 bits
//	S31 runs of no pixels, bounds         TestSummaryOfOddRuns           not skipped; TestStringAreaBoundsGolden: full height
//	S32 polygons                          TestPolygonGolden              rounded down; diagonals; rows; runs of no pixels kept
//	S33 any vertex first, repeated ones   TestPolygonFromAnyVertex…      closed elsewhere
//	S34 an odd count of numbers           FuzzPolygon's seeds            a 0 appended
//	    boundaries                        TestBoundaryDilation           halves rounded up

// goldenCase is a call of pycocotools 2.0.11 and its result: frPyObjects + merge of polygons ("frPoly") or of a box
// ("frBbox"), frUncompressedRLE + toBbox + area + encode(decode) of a list of runs ("counts"), or iou ("iou").
type goldenCase struct {
	Op, Name  string
	H, W      int
	Polys     [][]float64
	Parts     []string
	BboxIn    []float64 `json:"bbox_in"`
	Merged    string
	Counts    []uint32
	String    string
	Reencoded *string
	Area      uint64
	Bbox      []float64
	Dt, Gt    json.RawMessage
	Iscrowd   []int
	IouHex    [][]string `json:"iou_hex"`
}

// goldenCases yields the cases of one operation and wants as many as the file has.
func goldenCases(t testing.TB, op string, want int) []goldenCase {
	t.Helper()
	f, err := os.Open("testdata/mask_api_cases.json.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	var file struct{ Cases []goldenCase }
	require.NoError(t, json.NewDecoder(z).Decode(&file))
	var cases []goldenCase
	for _, c := range file.Cases {
		if c.Op == op {
			cases = append(cases, c)
		}
	}
	require.Len(t, cases, want)
	return cases
}

// checkMask compares m with a golden string, area and box, by way of every function that tells them.
func checkMask(t *testing.T, c goldenCase, m Mask, want string) {
	t.Helper()
	require.Equal(t, want, m.String(), c.Name)
	require.Equal(t, c.Area, m.Area(), c.Name)
	x, y, w, h := m.Bounds()
	require.Equal(t, c.Bbox, []float64{float64(x), float64(y), float64(w), float64(h)}, c.Name)

	scanned, err := ScanString(m.H, m.W, []byte(want))
	require.NoError(t, err)
	require.Equal(t, m.Summary(), scanned, c.Name)
	require.EqualValues(t, c.Area, scanned.Area, c.Name)
	require.EqualValues(t, c.Bbox[0], scanned.X, c.Name)
	require.EqualValues(t, c.Bbox[3], scanned.H, c.Name)

	runs, err := DecodeRuns(nil, []byte(want))
	require.NoError(t, err)
	require.Equal(t, m.Runs, runs, c.Name)
	_, err = Decode(m.H, m.W, []byte(want))
	require.Equal(t, m.Validate(), err, c.Name) // one of the cases is short of pixels
}

func TestStringAreaBoundsGolden(t *testing.T) {
	for _, c := range goldenCases(t, "counts", 38) {
		m := Mask{H: c.H, W: c.W, Runs: c.Counts}
		checkMask(t, c, m, c.String)
		if c.Reencoded != nil {
			require.Equal(t, *c.Reencoded, FromBitmap(c.H, c.W, m.Bitmap()).String(), c.Name)
		}
	}
}

func TestIoUGolden(t *testing.T) {
	checked := 0
	for _, c := range goldenCases(t, "iou", 48) {
		dt, gt := c.masks(t, c.Dt), c.masks(t, c.Gt)
		for i := range dt { // nothing for the cases of boxes
			for j := range gt {
				want, err := strconv.ParseFloat(c.IouHex[i][j], 64)
				require.NoError(t, err)
				require.Equal(t, want, IoU(dt[i], gt[j], c.Iscrowd[j] != 0), "%s %d %d", c.Name, i, j)
				checked++
			}
		}
	}
	require.Greater(t, checked, 100)
}

// masks reads a list of compressed masks; it is empty for a list of boxes.
func (c goldenCase) masks(t testing.TB, raw json.RawMessage) []Mask {
	var list []struct {
		Size   []int
		Counts string
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	var masks []Mask
	for _, l := range list {
		m, err := Decode(l.Size[0], l.Size[1], []byte(l.Counts))
		require.NoError(t, err, c.Name)
		masks = append(masks, m)
	}
	return masks
}

func TestPolygonGolden(t *testing.T) {
	var r Rasterizer
	for _, c := range goldenCases(t, "frPoly", 506) {
		var parts []Mask
		for i, xy := range c.Polys {
			m := FromPolygon(xy, c.H, c.W)
			require.Equal(t, c.Parts[i], m.String(), c.Name)
			require.Equal(t, m.Runs, r.AppendPolygon(nil, xy, c.H, c.W), c.Name)
			parts = append(parts, m)
		}
		checkMask(t, c, Union(parts...), c.Merged)
		require.Equal(t, Union(parts...).Runs, r.AppendPolygons(nil, c.Polys, c.H, c.W), c.Name)
	}
}

func TestBoxGolden(t *testing.T) {
	for _, c := range goldenCases(t, "frBbox", 29) {
		b := c.BboxIn
		checkMask(t, c, FromBox(b[0], b[1], b[2], b[3], c.H, c.W), c.Merged)
	}
}
