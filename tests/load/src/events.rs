//! Events as a shop's page writes them.

use serde_json::{Value, json};

/// What an event is written with: who sends it, and which one of theirs it is.
pub struct Pen<'a> {
    pub prefix: &'a str,
    pub tab: &'a str,
    pub next: &'a mut u64,
}

impl Pen<'_> {
    fn id(&mut self) -> String {
        *self.next += 1;
        format!("{}-{}", self.prefix, self.next)
    }

    /// A page view.
    pub fn page(&mut self, path: &str, kind: &str) -> Value {
        let page = json!({ "url": format!("https://shop.example{path}"), "path": path, "kind": kind, "title": "A page of the shop" });
        json!({ "type": "page", "messageId": self.id(), "context": { "tab": self.tab, "page": page } })
    }

    fn track(&mut self, event: &str, properties: Value) -> Value {
        json!({ "type": "track", "messageId": self.id(), "event": event, "properties": properties, "context": { "tab": self.tab } })
    }

    /// A product is seen; `key` tells its pushes apart.
    pub fn viewed(&mut self, key: &str, stock: u32, counts: bool) -> Value {
        let sku = format!("sku-{}", *self.next % 50);
        self.track(
            "Product Viewed",
            json!({
                "sku": sku, "name": format!("Product {sku}"), "price": 19.99, "currency": "EUR", "category": "shoes",
                "stock": stock, "key": key, "counts": counts,
            }),
        )
    }

    /// Something is put into the cart.
    pub fn added(&mut self, key: &str, price: u32) -> Value {
        let sku = format!("sku-{}", self.next);
        self.track(
            "Product Added",
            json!({ "sku": sku, "name": sku, "price": price, "quantity": 1, "currency": "EUR", "key": key }),
        )
    }

    pub fn checkout(&mut self) -> Value {
        self.track("Checkout Started", json!({}))
    }

    pub fn ordered(&mut self) -> Value {
        let order = format!("order-{}-{}", self.prefix, self.next);
        self.track("Order Completed", json!({ "order_id": order, "total": 50, "currency": "EUR" }))
    }

    pub fn left(&mut self) -> Value {
        self.track("page_left", json!({}))
    }
}
