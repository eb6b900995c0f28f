package rle

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// hugeCase is what pycocotools 2.0.11 made of two polygons and two boxes in images of more than 2^31 pixels: SHA-256 of the
// strings of the masks, areas, boxes, and the IoU of the first two in hex.
//
//	p, q = [10.5, 2, w-5000.75, h-9000, 300, h-.5], [40, 30.5, w-9, 1, w-20.5, h-300, 50, h-8000]
//	a, b = mask.frPyObjects([p], h, w)[0], mask.frPyObjects([q], h, w)[0]
//	mask.area(a), mask.toBbox(a), mask.iou([a], [b], [0]), mask.iou([a], [b], [1]), mask.merge([a, b]), mask.merge([a, b], True)
//	mask.frPyObjects(np.array([[0, 0, w, 1], [w-3, h-2, 3, 2.]]), h, w)
type hugeCase struct {
	h, w                    int
	a, b, union, inter, row string
	areas                   [4]uint64 // a, b, union, intersection
	boxA, boxB              [4]int
	iou, crowd              float64
	corner                  string
}

var hugeCases = []hugeCase{
	{
		50000, 60000, "b8c087fa80f7aae27e49e3757046adb94bb8a5bb31e4b85bbe170eb601c8516c", "c17002750b109548ccfcfe8c60021e536d9d72ad9fb36802a62a29a8737ba10e",
		"9ffe11c9ffb88d3ab7c8ab75e830cbcbe57a5f1fc0a62267cf44b10210539fc0", "8cb4c766b43d0e8c882c9e3e55f120855ef8d9d5f51e0e108258b4a2efa86a68", "03ec0a3ca51e7baa4ff98833b7d4666588ce4b832d927eba7b89b434ce735f0a",
		[4]uint64{1368719761, 2747318127, 2855903352, 1260134536}, [4]int{11, 3, 54988, 49997}, [4]int{40, 1, 59951, 49699}, 0x1.c3d407123df03p-2, 0x1.d7619c05bce28p-1, `njem\i22^j` + "`1000",
	},
	{ // 2^32-1 pixels
		65535, 65537, "bfdfa229c3636bfc0381e0531c7cf51efbcaf74acd97a832f2e098e4ac7f49d5", "3633ae7ee211746241e16b5009ddb7753b49df2739f0096491e9800096ac92d6",
		"4e519780a91ed84eba4d05a5336dbb5269c1dbe5a463bdaad78d1c1af4a6e0ea", "1a1dfddc6ad84611ea4bf554fda306cf256b1580838585478b457bb264091adf", "8d64c5812a56d64a173e3b77bc41553499de24e890e0f0ac46f8954e991d9dfd",
		[4]uint64{1975024348, 4018292077, 4137482471, 1855833954}, [4]int{11, 3, 60525, 65532}, [4]int{40, 1, 65488, 65234}, 0x1.cb4e8c95a10a7p-2, 0x1.e119f58932791p-1, "oookoo32moo1000",
	},
}

func TestImagesOfMoreThan2To31Pixels(t *testing.T) {
	sum := func(m Mask) string {
		s := sha256.Sum256([]byte(m.String()))
		return hex.EncodeToString(s[:])
	}
	bounds := func(m Mask) [4]int {
		x, y, w, h := m.Bounds()
		return [4]int{x, y, w, h}
	}
	for _, c := range hugeCases {
		fh, fw := float64(c.h), float64(c.w)
		a := FromPolygon([]float64{10.5, 2, fw - 5000.75, fh - 9000, 300, fh - .5}, c.h, c.w)
		b := FromPolygon([]float64{40, 30.5, fw - 9, 1, fw - 20.5, fh - 300, 50, fh - 8000}, c.h, c.w)
		require.NoError(t, a.Validate())
		require.Equal(t, c.a, sum(a))
		require.Equal(t, c.b, sum(b))
		union, inter := Union(a, b), Intersect(a, b)
		require.Equal(t, c.union, sum(union))
		require.Equal(t, c.inter, sum(inter))
		require.Equal(t, c.areas, [4]uint64{a.Area(), b.Area(), union.Area(), inter.Area()})
		require.Equal(t, c.boxA, bounds(a))
		require.Equal(t, c.boxB, bounds(b))
		require.Equal(t, c.iou, IoU(a, b, false))
		require.Equal(t, c.crowd, IoU(a, b, true))
		require.Equal(t, c.row, sum(FromBox(0, 0, fw, 1, c.h, c.w)))
		require.Equal(t, c.corner, FromBox(fw-3, fh-2, 3, 2, c.h, c.w).String())
		decoded, err := Decode(c.h, c.w, []byte(b.String()))
		require.NoError(t, err)
		require.Equal(t, b, decoded)
		scanned, err := ScanString(c.h, c.w, []byte(b.String()))
		require.NoError(t, err)
		require.Equal(t, b.Summary(), scanned)
		require.True(t, scanned.Regular)
	}
}

// A run of more than 2^31 pixels, and a difference of runs below -2^29, for which rleFrString shifts beyond its integers: the
// reference reads another mask there than it wrote.
func TestRunsOfMoreThan2To31Pixels(t *testing.T) {
	const h, w = 50000, 60000
	for _, runs := range [][]uint32{{10, 1<<29 + 107, 20, 100, h*w - 1<<29 - 237}, {10, 1<<31 + 9, 20, 100, h*w - 1<<31 - 139}, {h*w - 5, 5}} {
		m := Mask{H: h, W: w, Runs: runs}
		require.NoError(t, m.Validate())
		decoded, err := Decode(h, w, []byte(m.String()))
		require.NoError(t, err)
		require.Equal(t, m, decoded)
		s, err := ScanString(h, w, []byte(m.String()))
		require.NoError(t, err)
		require.Equal(t, m.Summary(), s)
		require.True(t, s.Regular)
		require.EqualValues(t, m.Area(), s.Area)
		require.Equal(t, 1.0, IoU(m, m, false))
	}
}

func TestOutlinesOfTallAndWideMasks(t *testing.T) {
	for _, size := range [][2]int{{1<<32 - 1, 1}, {1<<31 + 5, 1}, {3, 1 << 20}} {
		h, w := size[0], size[1]
		m := Mask{H: h, W: w, Runs: []uint32{uint32(h*w - 3), 2, 1}}
		x, y := float64(w-1), float64(h)
		require.Equal(t, []Ring{{XY: []float64{x, y - 3, x + 1, y - 3, x + 1, y - 1, x, y - 1}}}, orderedRings(m.Polygons()))
		require.Equal(t, m.Area(), m.Boundary(BoundaryDilation(h, w)).Area())
	}
}

// orderedRings begins each ring at its corner that is the first in rows, then columns.
func orderedRings(rings []Ring) []Ring {
	for i := range rings {
		xy := rings[i].XY
		first := 0
		for j := 2; j < len(xy); j += 2 {
			if xy[j+1] < xy[first+1] || xy[j+1] == xy[first+1] && xy[j] < xy[first] {
				first = j
			}
		}
		rings[i].XY = append(append([]float64{}, xy[first:]...), xy[:first]...)
	}
	return rings
}
