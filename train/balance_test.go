package train

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/dataset"
)

// Folders of 16, 4 and 1 images: small ones catch up by the square root of how much smaller
// they are, or fully.
func TestSmallFoldersAreShownMoreOften(t *testing.T) {
	var images []dataset.Image
	for folder, n := range map[string]int{"a/b": 16, "a/c": 4, ".": 1} {
		for i := range n {
			images = append(images, dataset.Image{Name: fmt.Sprintf("%s/%d.png", folder, i)})
		}
	}
	images[0].Name, images[1].Name = images[1].Name, images[0].Name // the order does not matter
	for exponent, want := range map[float64]map[int]int{
		0:   {16: 1, 4: 1, 1: 1},
		0.5: {16: 1, 4: 2, 1: 4},
		1:   {16: 1, 4: 4, 1: 16},
	} {
		shown := map[string]int{}
		for _, i := range balanced(images, exponent) {
			shown[images[i].Name]++
		}
		require.Len(t, shown, 21)
		for name, n := range shown {
			size := map[byte]int{'b': 16, 'c': 4}[name[min(2, len(name)-1)]]
			require.Equal(t, want[max(size, 1)], n, "%s with exponent %g", name, exponent)
		}
	}
}

// However lonely an image is, an epoch shows it a hundred times at most.
func TestEpochsStaySmall(t *testing.T) {
	images := []dataset.Image{{Name: "alone/0.png"}}
	for i := range 1000 {
		images = append(images, dataset.Image{Name: fmt.Sprintf("many/%d.png", i)})
	}
	require.Len(t, balanced(images, 1), 1100)
}
