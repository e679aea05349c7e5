//! Products, carts and orders in the shapes of Segment e-commerce v2, GA4 and Shopify's web pixels.

use super::reader::Reader;
use super::{Fields, Json};
use crate::amount::Amount;
use crate::event::{Line, Order};
use crate::limits::{AMOUNT_UNITS_MAX, EVENT_PRODUCTS_MAX, QUANTITY_MAX, TEXT_BYTES_MAX};
use crate::rejection::{Code, Fault};

/// The members that hold a list of lines, in the order in which they are looked for.
const LISTS: [&str; 4] = ["products", "items", "lineItems", "lines"];
/// Objects of Shopify's events that hold the rest: `{"data": {"checkout": {"lineItems": […]}}}`.
const WRAPPERS: [&str; 5] = ["data", "checkout", "cart", "cartLine", "productVariant"];

/// The lines of an event's properties: a list, or the one product that the properties describe themselves.
/// `None` when there is neither.
pub(super) fn lines(properties: &Fields<'_>, pointer: &str) -> Result<Option<Vec<Line>>, Fault> {
    let reader = Reader::new(Some(properties), pointer);
    let currency = reader.text("currency", TEXT_BYTES_MAX).to_ascii_uppercase();
    for key in LISTS {
        match reader.member(key) {
            None => {}
            Some(Json::Array(items)) if items.len() > EVENT_PRODUCTS_MAX => {
                let message = format!("{} products in one event; at most {EVENT_PRODUCTS_MAX}", items.len());
                return Err(reader.fault(key, Code::TooMany, message));
            }
            Some(Json::Array(items)) => {
                let each = items.iter().enumerate().map(|(i, item)| {
                    let pointer = format!("{pointer}/{key}/{i}");
                    let wrong = || format!("a product must be an object, not {}", item.type_name());
                    let object = item.as_object().ok_or_else(|| Fault::at(&*pointer, Code::Invalid, wrong()))?;
                    line(object, &pointer, &currency)
                });
                return each.collect::<Result<_, _>>().map(Some);
            }
            Some(other) => {
                let message = format!("`{key}` must be an array of products, not {}", other.type_name());
                return Err(reader.fault(key, Code::Invalid, message));
            }
        }
    }
    for key in WRAPPERS {
        if let Some(Json::Object(inner)) = reader.member(key) {
            return lines(inner, &format!("{pointer}/{key}"));
        }
    }
    if sku(&reader).is_some() || reader.member("merchandise").is_some() {
        return line(properties, pointer, &currency).map(|one| Some(vec![one]));
    }
    Ok(None)
}

/// What tells one line from another.
fn sku(reader: &Reader<'_>) -> Option<String> {
    let sku = reader.text_of(&["sku", "product_id", "productId", "item_id", "variant_id", "id"], TEXT_BYTES_MAX);
    Some(sku).filter(|sku| !sku.is_empty())
}

fn line(object: &Fields<'_>, pointer: &str, currency: &str) -> Result<Line, Fault> {
    let outer = Reader::new(Some(object), pointer);
    // Shopify keeps the product below `merchandise` (cart) or `variant` (checkout), the quantity beside it.
    let nested = ["merchandise", "variant"].into_iter().find_map(|key| outer.member(key)?.as_object());
    let reader = nested.map_or(outer, |object| Reader::new(Some(object), pointer));
    let product = Reader::new(reader.member("product").and_then(Json::as_object), pointer);

    let name = reader.text_of(&["name", "item_name"], TEXT_BYTES_MAX);
    let name = [name, product.text("title", TEXT_BYTES_MAX), reader.text("title", TEXT_BYTES_MAX)];
    let name = name.into_iter().find(|n| !n.is_empty()).unwrap_or_default();
    let sku = sku(&reader).or_else(|| Some(name.clone()).filter(|n| !n.is_empty())).ok_or_else(|| {
        outer.fault(
            "sku",
            Code::Missing,
            "a product needs `sku` or `product_id`, so that its line in the cart can be told apart",
        )
    })?;

    let price = reader.member("price").or_else(|| outer.member("price"));
    let nested_price = price.and_then(Json::as_object);
    let own_currency = nested_price.map(|p| Reader::new(Some(p), pointer).text("currencyCode", TEXT_BYTES_MAX));
    let own_currency = own_currency.unwrap_or_else(|| reader.text("currency", TEXT_BYTES_MAX)).to_ascii_uppercase();
    let price = match nested_price.map_or(price, |p| p.get("amount")) {
        None | Some(Json::Null) => None,
        Some(value) => Some(amount(&outer, "price", value)?),
    };
    Ok(Line {
        sku,
        name,
        price,
        quantity: quantity(&outer)?,
        currency: if own_currency.is_empty() { currency.to_owned() } else { own_currency },
        category: first(&[
            reader.text_of(&["category", "item_category"], TEXT_BYTES_MAX),
            product.text("type", TEXT_BYTES_MAX),
        ]),
        brand: first(&[
            reader.text_of(&["brand", "item_brand"], TEXT_BYTES_MAX),
            product.text("vendor", TEXT_BYTES_MAX),
        ]),
    })
}

fn first(texts: &[String]) -> String {
    texts.iter().find(|t| !t.is_empty()).cloned().unwrap_or_default()
}

fn amount(reader: &Reader<'_>, key: &str, value: &Json<'_>) -> Result<Amount, Fault> {
    Amount::from_value(value).ok_or_else(|| {
        let code = if value.as_f64().is_some() { Code::OutOfRange } else { Code::Invalid };
        let message = format!("`{key}` must be a number such as 18.99, within ±{AMOUNT_UNITS_MAX:.0}");
        reader.fault(key, code, message)
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and within 0 to QUANTITY_MAX")]
fn quantity(reader: &Reader<'_>) -> Result<Option<u32>, Fault> {
    let number = match reader.member("quantity") {
        None => return Ok(None),
        Some(Json::Number(n)) => *n,
        Some(Json::String(text)) => text.trim().parse().unwrap_or(f64::NAN),
        Some(_) => f64::NAN,
    };
    if number.is_nan() || number.fract() != 0.0 {
        return Err(reader.fault("quantity", Code::Invalid, "`quantity` must be a whole number"));
    }
    if !(0.0..=f64::from(QUANTITY_MAX)).contains(&number) {
        return Err(reader.fault("quantity", Code::OutOfRange, format!("`quantity` must be from 0 to {QUANTITY_MAX}")));
    }
    Ok(Some(number as u32))
}

/// The order that an event reports. Its value is `revenue`, else `total`, `value`, `subtotal`, `totalPrice`, else the lines' sum.
pub(super) fn order(properties: &Fields<'_>, pointer: &str) -> Result<Order, Fault> {
    let lines = lines(properties, pointer)?.unwrap_or_default();
    let (inner, inner_pointer) = unwrap(properties, pointer);
    let reader = Reader::new(Some(inner), &inner_pointer);
    let mut value = None;
    for key in ["revenue", "total", "value", "subtotal", "totalPrice"] {
        let Some(member) = reader.member(key) else { continue };
        value = Some(amount(&reader, key, member.get("amount").unwrap_or(member))?);
        break;
    }
    let sum = || {
        let each = lines.iter().map(|l| l.price.unwrap_or_default().times(l.quantity.unwrap_or(1)));
        (!lines.is_empty()).then(|| each.fold(Amount::ZERO, Amount::plus))
    };
    let nested = |key: &str, inner: &str| {
        let object = reader.member(key).and_then(Json::as_object);
        Reader::new(object, "").text(inner, TEXT_BYTES_MAX)
    };
    let currency = first(&[
        reader.text_of(&["currency", "currencyCode"], TEXT_BYTES_MAX),
        nested("totalPrice", "currencyCode"),
        lines.first().map(|l| l.currency.clone()).unwrap_or_default(),
    ]);
    Ok(Order {
        order_id: first(&[
            reader.text_of(&["order_id", "orderId", "transaction_id"], TEXT_BYTES_MAX),
            nested("order", "id"),
            reader.text("token", TEXT_BYTES_MAX),
        ]),
        value: value.or_else(sum),
        currency: currency.to_ascii_uppercase(),
        lines,
    })
}

/// Below Shopify's wrappers, where there are any.
fn unwrap<'a>(properties: &'a Fields<'a>, pointer: &str) -> (&'a Fields<'a>, String) {
    let (mut object, mut pointer) = (properties, pointer.to_owned());
    for key in ["data", "checkout"] {
        if let Some(Json::Object(inner)) = object.get(key) {
            object = inner;
            pointer = format!("{pointer}/{key}");
        }
    }
    (object, pointer)
}
