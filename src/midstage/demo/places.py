"""Where the stores of Journey Market are put: the data has no places. All of it is made up, but the cities are real.

All cities keep the time of New York, which is the zone of the data (see journey.py).
"""

import msgspec


class City(msgspec.Struct, frozen=True):
    """A city with its region: code, names, and its centre in degrees."""

    region: str
    code: str
    name: str
    lat: float
    lng: float


REGIONS = {
    "lakes": "Great Lakes 五大湖区",
    "valley": "Ohio Valley 俄亥俄河谷区",
    "south": "South 南部区",
    "east": "East 东部区",
}

CITIES = (
    City("lakes", "cleveland", "Cleveland 克利夫兰", 41.4993, -81.6944),
    City("lakes", "akron", "Akron 阿克伦", 41.0814, -81.5190),
    City("lakes", "toledo", "Toledo 托莱多", 41.6528, -83.5379),
    City("lakes", "detroit", "Detroit 底特律", 42.3314, -83.0458),
    City("lakes", "lansing", "Lansing 兰辛", 42.7325, -84.5555),
    City("lakes", "grand-rapids", "Grand Rapids 大急流城", 42.9634, -85.6681),
    City("valley", "columbus", "Columbus 哥伦布", 39.9612, -82.9988),
    City("valley", "dayton", "Dayton 代顿", 39.7589, -84.1916),
    City("valley", "cincinnati", "Cincinnati 辛辛那提", 39.1031, -84.5120),
    City("valley", "indianapolis", "Indianapolis 印第安纳波利斯", 39.7684, -86.1581),
    City("valley", "louisville", "Louisville 路易斯维尔", 38.2527, -85.7585),
    City("valley", "lexington", "Lexington 列克星敦", 38.0406, -84.5037),
    City("south", "atlanta", "Atlanta 亚特兰大", 33.7490, -84.3880),
    City("south", "augusta", "Augusta 奥古斯塔", 33.4735, -82.0105),
    City("south", "charlotte", "Charlotte 夏洛特", 35.2271, -80.8431),
    City("south", "greensboro", "Greensboro 格林斯伯勒", 36.0726, -79.7920),
    City("south", "knoxville", "Knoxville 诺克斯维尔", 35.9606, -83.9207),
    City("south", "columbia", "Columbia 哥伦比亚", 34.0007, -81.0348),
    City("east", "pittsburgh", "Pittsburgh 匹兹堡", 40.4406, -79.9959),
    City("east", "philadelphia", "Philadelphia 费城", 39.9526, -75.1652),
    City("east", "baltimore", "Baltimore 巴尔的摩", 39.2904, -76.6122),
    City("east", "richmond", "Richmond 里士满", 37.5407, -77.4360),
    City("east", "norfolk", "Norfolk 诺福克", 36.8508, -76.2859),
    City("east", "charleston", "Charleston 查尔斯顿", 38.3498, -81.6326),
)
