package analysis

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/cocoeval"
)

// What is printed is the same from run to run, to the last bit.
func TestDetectionECEIsTheSameEveryTime(t *testing.T) {
	a := val2017(t, cocoeval.NewParams(cocoeval.BBox, cocoeval.COCO)).a
	by := DetectionECE{Center: true, Size: true, Bins: 5}
	first, ok := a.DetectionECE(by)
	require.True(t, ok)
	for range 50 {
		again, _ := a.DetectionECE(by)
		require.Equal(t, first, again)
	}
}

// Three annotations of one place are three pairs in the order of the file, in every one of many images.
func TestDoublesAreInTheOrderOfTheFile(t *testing.T) {
	const images = 400
	var list, boxes []string
	for i := range images {
		list = append(list, fmt.Sprintf(`{"id": %d, "width": 100, "height": 100}`, i+1))
		for k := range 3 {
			boxes = append(boxes, strings.Replace(annotation(3*i+k+1, 1, 0, 10), `"image_id": 7`, fmt.Sprintf(`"image_id": %d`, i+1), 1))
		}
	}
	gt := fmt.Sprintf(`{"images": [%s], "categories": [{"id": 1, "name": "c"}], "annotations": [%s]}`, strings.Join(list, ","), strings.Join(boxes, ","))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	doubles, err := everything(t, gt, "[]").doubles()
	require.NoError(t, err)
	var got, want [][2]any
	for i := range int64(images) {
		for _, pair := range [][2]int64{{1, 2}, {1, 3}, {2, 3}} {
			want = append(want, [2]any{3*i + pair[0], 3*i + pair[1]})
		}
	}
	for _, s := range doubles {
		got = append(got, [2]any{s.Annotation, s.Twin})
	}
	require.Equal(t, want, got)
}
