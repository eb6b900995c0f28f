package weights

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// System says which program's names the tensors of a file have.
type System string

// The systems whose files can be opened.
const (
	Native      System = "spinemask"   // names by place in our graph
	TF1         System = "tf1"         // tensorflow/tpu models/official/detection
	TF2         System = "tf2"         // TensorFlow Model Garden, official/vision
	Torchvision System = "torchvision" // torchvision.models.detection
	Detectron2  System = "detectron2"  // facebookresearch/detectron2

	// Files of mmdetection: SpineNet ports for 1.x, and these and ResNets for 2.x and 3.x.
	MMDetection1 System = "mmdetection1"
	MMDetection2 System = "mmdetection2"
	MMDetection3 System = "mmdetection3"
	MMDetection  System = "mmdetection" // another name of MMDetection1
)

// canonical is the system itself where s is another name of it.
func (s System) canonical() System {
	if s == MMDetection {
		return MMDetection1
	}
	return s
}

// translators translate the names of a system; names of our own need none. Those of mmdetection 2.x and 3.x are the same.
var translators = map[System]func([]Tensor) *translation{
	TF1:          translateTF1,
	TF2:          translateTF2,
	Torchvision:  translateTorchvision,
	Detectron2:   translateDetectron2,
	MMDetection1: translateMMDet,
	MMDetection3: translateMMDetResNet,
}

// recognise tells the system from the names that only its files have.
func recognise(tensors []Tensor) System {
	for _, t := range tensors {
		switch {
		case strings.HasPrefix(t.Name, "spinenet/"), strings.HasPrefix(t.Name, "fast_rcnn_head/"), strings.HasPrefix(t.Name, "retinanet/"):
			return TF1
		case strings.HasSuffix(t.Name, tf2Suffix), strings.Contains(t.Name, "/detection-scores/"), strings.Contains(t.Name, "/classnet-"):
			return TF2
		case strings.HasSuffix(t.Name, torchvisionMarker):
			return Torchvision
		case strings.HasSuffix(t.Name, mmdetMarker):
			return MMDetection1
		case strings.HasSuffix(t.Name, mmdetResNetMarker):
			return MMDetection3
		case strings.HasSuffix(t.Name, detectron2Marker), caffe2Marker.MatchString(t.Name), detectron2Backbone.MatchString(t.Name):
			return Detectron2
		}
		if _, ok := detectron2Network(t.Name); ok {
			return Detectron2
		}
	}
	if isResNet(tensors) { // only now: detectors have one inside
		return Torchvision
	}
	return Native
}

// translation collects the tensors of a file under native names.
type translation struct {
	tensors  []Tensor
	from     map[string]string // native name → name in the file
	made     int               // tensors that are not in the file
	ignored  []string          // names of what is not a weight of the model
	retina   []string          // names of what makes the model a RetinaNet of a system whose RetinaNets are not read
	problems []string
	sets     []string // ways to each state dictionary of PyTorch, that which is taken first
	norms    []string // batch norms without statistics, and what they lack
	refused  string   // why none of it can be translated
}

// add takes t under a native name.
func (tr *translation) add(t Tensor, native string) {
	if tr.from == nil {
		tr.from = map[string]string{}
	}
	if first, ok := tr.from[native]; ok {
		tr.problems = append(tr.problems, fmt.Sprintf("%s: is %s, as is %s", t.Name, native, first))
		return
	}
	tr.from[native] = t.Name
	t.Name = native
	tr.tensors = append(tr.tensors, t)
}

// unexpected takes t as a problem if it can be a weight; what is not of floats is for training or the like.
func (tr *translation) unexpected(t Tensor) {
	if t.opaque != "" {
		return
	}
	if !t.dtype.Float() {
		tr.ignored = append(tr.ignored, t.Name)
		return
	}
	tr.problems = append(tr.problems, fmt.Sprintf("%s: unexpected, shape %v", t.Name, t.Shape))
}

// index reads a number that a name ends with, at most four digits; none are zero.
func index(digits string) int {
	i, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return i
}

// sortedKeys returns the keys of a map in order, so that what is reported does not depend on the order of maps.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// spatial reports whether t is a convolution kernel of n×n pixels, [n, n, in, out].
func (t Tensor) spatial(n int) bool {
	return len(t.Shape) == 4 && t.Shape[0] == n && t.Shape[1] == n
}
