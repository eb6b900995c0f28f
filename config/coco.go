package config

// cocoNames are the names of the COCO category ids 1…90 (instances_val2017.json); ids without a category are empty.
var cocoNames = [90]string{
	"person", "bicycle", "car", "motorcycle", "airplane",
	"bus", "train", "truck", "boat", "traffic light",
	"fire hydrant", "", "stop sign", "parking meter", "bench",
	"bird", "cat", "dog", "horse", "sheep",
	"cow", "elephant", "bear", "zebra", "giraffe",
	"", "backpack", "umbrella", "", "",
	"handbag", "tie", "suitcase", "frisbee", "skis",
	"snowboard", "sports ball", "kite", "baseball bat", "baseball glove",
	"skateboard", "surfboard", "tennis racket", "bottle", "",
	"wine glass", "cup", "fork", "knife", "spoon",
	"bowl", "banana", "apple", "sandwich", "orange",
	"broccoli", "carrot", "hot dog", "pizza", "donut",
	"cake", "chair", "couch", "potted plant", "bed",
	"", "dining table", "", "", "toilet",
	"", "tv", "laptop", "mouse", "remote",
	"keyboard", "cell phone", "microwave", "oven", "toaster",
	"sink", "refrigerator", "", "book", "clock",
	"vase", "scissors", "teddy bear", "hair drier", "toothbrush",
}

// cocoSlots has a row for every id 1…90, as the TF and torchvision heads do.
func cocoSlots() []Category {
	rows := make([]Category, len(cocoNames))
	for i, name := range cocoNames {
		rows[i] = Category{ID: i + 1, Name: name}
	}
	return rows
}

// cocoCategories has a row for each of the 80 categories, as the mmdetection heads do.
func cocoCategories() []Category {
	var rows []Category
	for i, name := range cocoNames {
		if name != "" {
			rows = append(rows, Category{ID: i + 1, Name: name})
		}
	}
	return rows
}
