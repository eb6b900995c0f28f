package train

import (
	"math"
	"path"

	"github.com/spinemask/spinemask/dataset"
	"github.com/spinemask/spinemask/internal/core/portable"
)

// balanced lists the images of an epoch, by their index: those of the folder with most
// images once, those of another folder as often as the ratio of both numbers to the power of
// exponent, rounded, and 100 times at most. With an exponent of ½ it is the repeat factor
// sampling of LVIS (Gupta and others, arXiv 1908.03195), of folders in place of categories. Exponent
// 0 is each image once, 1 each folder about alike.
func balanced(images []dataset.Image, exponent float64) []int {
	count, most := map[string]int{}, 0
	for _, im := range images {
		f := path.Dir(im.Name)
		count[f]++
		most = max(most, count[f])
	}
	var list []int
	for i, im := range images {
		ratio := float64(most) / float64(count[path.Dir(im.Name)])
		for range int(min(math.Round(portable.Pow(ratio, exponent)), 100)) {
			list = append(list, i)
		}
	}
	return list
}
